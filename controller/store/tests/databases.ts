/** The databases that store tests run on: embedded always, a server when POLYDEV_TEST_DATABASE_URL names one. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';
import { sql } from 'drizzle-orm';
import { copyMadeDatabase } from '../../../setup/made-database.ts';
import { type OpenDatabase, openDatabase } from '../database.ts';
import { migrate } from '../migrate.ts';
import { createTestDatabase, testDatabaseUrl } from '../testing.ts';

export interface DatabaseUnderTest {
  name: string;
  skip: string | false;
  /** A fresh database, dropped or emptied when the test ends. */
  open(t: TestContext): Promise<OpenDatabase>;
  /** Another connection to what `open` made, when the kind admits it. */
  reopen?(): Promise<OpenDatabase>;
}

const folders: string[] = [];
/** Of earlier tests of this process: to empty one takes a tenth of the time of opening one. */
const idle: OpenDatabase[] = [];

after(async () => {
  for (const database of idle) await database.close();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** The folder of an embedded database as it was made, with nothing in it; gone after the last test of the file. */
export async function newDatabaseFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'polydev-database-'));
  folders.push(folder);
  const database = join(folder, 'database');
  await copyMadeDatabase(database);
  return database;
}

export const embedded: DatabaseUnderTest = {
  name: 'embedded',
  skip: false,
  async open(t) {
    const database = idle.pop() ?? (await openDatabase({ dataDir: await newDatabaseFolder() }));
    await migrate(database.db);
    t.after(async () => {
      await database.db.execute(sql`drop schema public cascade`);
      await database.db.execute(sql`create schema public`);
      idle.push(database);
    });
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
