/** The databases that store tests run on: embedded always, a server when POLYDEV_TEST_DATABASE_URL names one. */

import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { sql } from 'drizzle-orm';
import { copyMadeDatabase } from '../../../setup/made-database.ts';
import { type OpenDatabase, openDatabase } from '../database.ts';
import { migrate } from '../migrate.ts';
import { createTestDatabase, testDatabaseUrl } from '../testing.ts';

export interface DatabaseUnderTest {
  name: string;
  skip: string | false;
  /** A fresh database, dropped when the test ends. */
  open(t: TestContext): Promise<OpenDatabase>;
  /** Another connection to what `open` made, when the kind admits it. */
  reopen?(): Promise<OpenDatabase>;
}

/** The folder of an embedded database as it was made, with nothing in it; gone when the process ends, which is after all that has it open. */
export async function newDatabaseFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'polydev-database-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const database = join(folder, 'database');
  await copyMadeDatabase(database);
  return database;
}

/** Of earlier tests of this process: to empty one takes a tenth of the time of opening one. */
const idle: OpenDatabase[] = [];

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
