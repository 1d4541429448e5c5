import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { openDatabase } from '../database.ts';
import { newDatabaseFolder } from './databases.ts';

test('what was deleted gives its room back', { timeout: 300_000 }, async (t) => {
  const { db, close } = await openDatabase({ dataDir: await newDatabaseFolder(), vacuumEveryMs: 50 });
  t.after(close);
  const bytes = async () => {
    const { rows } = (await db.execute(sql`select pg_relation_size('much') as bytes`)) as { rows: { bytes: number }[] };
    return Number(rows[0]?.bytes);
  };
  await db.execute(sql`create table much as select repeat('x', 500) from generate_series(1, 2000)`);
  const before = await bytes();
  assert.ok(before > 500_000, `${before} bytes`);
  await db.execute(sql`delete from much`);
  while ((await bytes()) > 0) await sleep(20);
});

test('the log of writes is done with now and then', { timeout: 300_000 }, async (t) => {
  const { db, close } = await openDatabase({ dataDir: await newDatabaseFolder(), checkpointEveryMs: 50 });
  t.after(close);
  const last = async () => {
    const found = await db.execute(sql`select checkpoint_lsn::text as at from pg_control_checkpoint()`);
    return (found as { rows: { at: string }[] }).rows[0]?.at;
  };
  const before = await last();
  await db.execute(sql`create table one as select 1 as id`);
  while ((await last()) === before) await sleep(20);
});
