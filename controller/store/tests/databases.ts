/** The databases that store tests run on: embedded always, a server when POLYDEV_TEST_DATABASE_URL names one. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { copyMadeDatabase } from '../../../setup/made-database.ts';
import { type OpenDatabase, openDatabase } from '../database.ts';
import { createTestDatabase, testDatabaseUrl } from '../testing.ts';

/** The folder of an embedded database as it was made, with nothing in it; gone when the test ends. */
export async function newDatabaseFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'polydev-database-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const database = join(folder, 'database');
  await copyMadeDatabase(database);
  return database;
}

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
    let close = async () => {};
    // Before the hook that removes the folder: hooks run in this order.
    t.after(() => close());
    const database = await openDatabase({ dataDir: await newDatabaseFolder(t) });
    ({ close } = database);
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
