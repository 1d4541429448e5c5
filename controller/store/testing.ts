/**
 * Stores for tests, fresh and empty, gone when the test ends: the embedded database and memory, or PostgreSQL and Redis
 * where POLYDEV_TEST_STORES is `servers`. `npm test` runs whatever opens one here on both.
 */

import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { PGlite } from '@electric-sql/pglite';
import { getTableName, is } from 'drizzle-orm';
import { PgTable } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/pglite';
import pg from 'pg';
import { type Database, openDatabase, type Store } from './database.ts';
import { createEmbeddedClient } from './embedded-client.ts';
import { parsers } from './embedded-parsers.ts';
import type { EphemeralStore } from './ephemeral.ts';
import { createEventLog, type EventLog } from './events.ts';
import { createMemoryEphemeral } from './memory-ephemeral.ts';
import { migrate, readMigrations } from './migrate.ts';
import { createEmbeddedPatience } from './patience.ts';
import { openRedisEphemeral } from './redis-ephemeral.ts';
import * as schema from './schema.ts';

export interface TestStore extends Store {
  ephemeral: EphemeralStore;
  events: EventLog;
}

const onServers = process.env.POLYDEV_TEST_STORES === 'servers';
export const testDatabaseUrl = process.env.POLYDEV_TEST_DATABASE_URL;
export const testRedisUrl = process.env.POLYDEV_TEST_REDIS_URL;

export async function openTestStore(t: TestContext): Promise<TestStore> {
  const opened = onServers ? await openOnServers(t) : await openEmbedded(t);
  return { ...opened, events: createEventLog(opened, opened.ephemeral) };
}

/** The address of a new database on the test server; dropped when the test ends. */
export async function createTestDatabase(t: TestContext): Promise<string> {
  if (testDatabaseUrl === undefined) throw new Error('POLYDEV_TEST_DATABASE_URL names no PostgreSQL.');
  const name = `polydev_test_${randomUUID().replaceAll('-', '')}`;
  await administer(testDatabaseUrl, `create database ${name}`);
  t.after(() => administer(testDatabaseUrl, `drop database ${name} with (force)`));
  const url = new URL(testDatabaseUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(statement).finally(() => client.end());
}

async function openOnServers(t: TestContext) {
  if (testRedisUrl === undefined) throw new Error('POLYDEV_TEST_REDIS_URL names no Redis.');
  let close = async () => {};
  // Before the hook that drops the database: hooks run in this order.
  t.after(() => close());
  // A machine that is busy with many tests has lost neither.
  const database = await openDatabase({ url: await createTestDatabase(t), connectMs: 30_000 });
  const prefix = `test-${randomUUID()}:`;
  const ephemeral = await openRedisEphemeral({ url: testRedisUrl, prefix, settleMs: 0, answerMs: 30_000 });
  close = async () => {
    await ephemeral.close();
    await database.close();
  };
  return { db: database.db, patience: database.patience, ephemeral };
}

/** Loading a migrated database takes a fifth of the time of making one. */
let migrated: Promise<Blob> | undefined;

/** Kept for the next process, as long as migrations and PGlite are the same. */
async function findMigrated(): Promise<Blob> {
  const pglite = new URL('../package.json', import.meta.resolve('@electric-sql/pglite'));
  const madeOf = JSON.stringify([await readMigrations(), await readFile(pglite, 'utf8')]);
  const file = join(cacheFolder, `${createHash('sha256').update(madeOf).digest('hex')}.tar`);
  const kept = await readFile(file).catch(() => null);
  if (kept) return new Blob([kept]);
  const made = await makeMigrated();
  await mkdir(cacheFolder, { recursive: true });
  const half = `${file}.${process.pid}`;
  await writeFile(half, new Uint8Array(await made.arrayBuffer()));
  await rename(half, file);
  return made;
}

const cacheFolder = join(import.meta.dirname, '../../node_modules/.cache/polydev-test-database');

async function makeMigrated(): Promise<Blob> {
  const client = await PGlite.create();
  await migrate(drizzle({ client, schema }));
  const dump = await client.dumpDataDir('none');
  await client.close();
  return dump;
}

/** Of earlier tests of this process: emptying one takes a tenth of the time of loading one. */
const idle: PGlite[] = [];
const tables = Object.values(schema).flatMap((table) => (is(table, PgTable) ? [getTableName(table)] : []));

async function emptyClient(): Promise<PGlite> {
  const former = idle.pop();
  if (former) {
    await former.exec(`truncate ${tables.join(', ')} restart identity cascade`);
    return former;
  }
  migrated ??= findMigrated();
  return await PGlite.create({ loadDataDir: await migrated });
}

async function openEmbedded(t: TestContext) {
  const client = await emptyClient();
  const ephemeral = createMemoryEphemeral();
  t.after(async () => {
    await ephemeral.close();
    idle.push(client);
  });
  // As `embedded.ts` does it, without its thread.
  const { forDrizzle } = createEmbeddedClient({
    ask: ({ text, params, rowMode }) => client.query(text, params, { rowMode, parsers }),
    onStuck(error) {
      throw error;
    },
  });
  return { db: drizzle({ client: forDrizzle, schema }) as Database, patience: createEmbeddedPatience(), ephemeral };
}

/** Told what becomes of a store; a test waits for it. */
export function createTestWatch() {
  const told: string[] = [];
  let hear = () => {};
  const tell = (what: 'lost' | 'back') => () => {
    told.push(what);
    hear();
  };
  return {
    told,
    watch: { lost: tell('lost'), back: tell('back') },
    async until(count: number): Promise<void> {
      while (told.length < count)
        await new Promise<void>((resolve) => {
          hear = resolve;
        });
    },
  };
}
