/** The databases that store tests run on: embedded always, a server when POLYDEV_TEST_DATABASE_URL names one. */

import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import pg from 'pg';
import { type OpenDatabase, openDatabase } from '../database.ts';

export interface DatabaseUnderTest {
  name: string;
  skip: string | false;
  /** A fresh database, dropped when the test ends. */
  open(t: TestContext): Promise<OpenDatabase>;
  /** Another connection to what `open` made, when the kind admits it. */
  reopen?(): Promise<OpenDatabase>;
}

const serverUrl = process.env.POLYDEV_TEST_DATABASE_URL;

export const embedded: DatabaseUnderTest = {
  name: 'embedded',
  skip: false,
  async open(t) {
    const database = await openDatabase({});
    t.after(() => database.close());
    return database;
  },
};

export const server: DatabaseUnderTest = {
  name: 'server',
  skip: serverUrl ? false : 'POLYDEV_TEST_DATABASE_URL names no PostgreSQL',
  async open(t) {
    const name = `polydev_test_${randomUUID().replaceAll('-', '')}`;
    await administer(`create database ${name}`);
    t.after(() => administer(`drop database ${name} with (force)`));
    const url = new URL(serverUrl ?? '');
    url.pathname = `/${name}`;
    server.reopen = () => openDatabase({ url: url.href });
    const database = await openDatabase({ url: url.href });
    t.after(() => database.close());
    return database;
  },
};

async function administer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}
