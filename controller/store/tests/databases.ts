/** The databases that store tests run on: embedded always, a server when POLYDEV_TEST_DATABASE_URL names one. */

import type { TestContext } from 'node:test';
import { type OpenDatabase, openDatabase } from '../database.ts';
import { createTestDatabase, testDatabaseUrl } from '../testing.ts';

export interface DatabaseUnderTest {
  name: string;
  skip: string | false;
  /** A fresh database, dropped when the test ends. */
  open(t: TestContext): Promise<OpenDatabase>;
  /** Another connection to what `open` made, when the kind admits it. */
  reopen?(): Promise<OpenDatabase>;
}

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
  skip: testDatabaseUrl ? false : 'POLYDEV_TEST_DATABASE_URL names no PostgreSQL',
  async open(t) {
    const url = await createTestDatabase(t);
    server.reopen = () => openDatabase({ url });
    const database = await openDatabase({ url });
    t.after(() => database.close());
    return database;
  },
};
