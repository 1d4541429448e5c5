import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { PGlite } from '@electric-sql/pglite';
import { createDurableFiles, durableParams } from '../durable-files.ts';
import { openEmbedded } from '../embedded.ts';
import { newDatabaseFolder } from './databases.ts';

const timeout = 300_000;

async function open(t: TestContext, dataDir?: string) {
  const database = await openEmbedded({ dataDir: dataDir ?? (await newDatabaseFolder()) });
  let { close } = database;
  t.after(() => close());
  return {
    ...database,
    async close() {
      close = async () => {};
      await database.close();
    },
  };
}

async function newFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'polydev-embedded-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'database');
}

test('what goes in comes out: bytes, numbers, JSON, nothing', { timeout }, async (t) => {
  const { forDrizzle } = await open(t);
  const params = [new Uint8Array([0, 1, 255]), 12, '9007199254740993', JSON.stringify({ a: ['ü', null] }), null];
  const { rows } = await forDrizzle.query('select $1::bytea, $2::int, $3::int8, $4::jsonb, $5::text', params, {
    rowMode: 'array',
  });
  const [[bytes, ...rest]] = rows as unknown as [[Uint8Array, ...unknown[]]];
  assert.deepEqual([...bytes], [0, 1, 255]);
  assert.deepEqual(rest, [12, 9007199254740993n, { a: ['ü', null] }, null]);
});

test('what opens every file keeps few of them open', { timeout }, async (t) => {
  const dataDir = await newFolder(t);
  const { query } = await open(t, dataDir);
  for (let times = 0; times < 2; times += 1) await query('vacuum');
  const held = fs.readdirSync('/proc/self/fd').filter((fd) => linkOf(`/proc/self/fd/${fd}`).startsWith(dataDir));
  assert.ok(held.length > 10 && held.length <= 80, `${held.length} files are open.`);
});

/** Where it leads; empty when it is not there any more. */
function linkOf(path: string): string {
  try {
    return fs.readlinkSync(path);
  } catch {
    return '';
  }
}

test('an error comes with its code and without what was asked', { timeout }, async (t) => {
  const { forDrizzle, query } = await open(t);
  await query('create table one (id int primary key)');
  await query('insert into one values (1)');
  await assert.rejects(
    forDrizzle.query('insert into one values ($1)', [1]),
    (error: Error & Record<string, unknown>) => {
      assert.equal(error.code, '23505');
      assert.equal(error.constraint, 'one_pkey');
      assert.match(error.message, /duplicate key/);
      assert.equal(error.params, undefined);
      return true;
    },
  );
  assert.deepEqual((await forDrizzle.query('select count(*)::int as n from one')).rows, [{ n: 1 }]);
});

test('what is asked for during a transaction waits for its end', { timeout }, async (t) => {
  const { forDrizzle, query } = await open(t);
  await query('create table one (id int)');
  const count = async () => (await forDrizzle.query<{ n: number }>('select count(*)::int as n from one')).rows[0]?.n;
  let seen: Promise<number | undefined> | undefined;
  const given = forDrizzle.transaction(async (tx) => {
    await tx.query('insert into one values (1)');
    seen = count();
    await new Promise((resolve) => setTimeout(resolve, 20));
    throw new Error('no');
  });
  await assert.rejects(given, /^Error: no$/);
  assert.equal(await seen, 0);
  await Promise.all(
    [1, 2, 3].map((id) =>
      forDrizzle.transaction(async (tx) => {
        await tx.query('insert into one values ($1)', [id]);
        await tx.query('insert into one values ($1)', [id]);
      }),
    ),
  );
  assert.equal(await count(), 6);
});

test('what comes after the end of a transaction is refused, and one that had failed is no success', {
  timeout,
}, async (t) => {
  const { forDrizzle, query } = await open(t);
  await query('create table one (id int primary key)');
  let late: () => Promise<unknown> = async () => {};
  await forDrizzle.transaction(async (tx) => {
    late = () => tx.query('insert into one values (1)');
  });
  await assert.rejects(late(), /is over/);
  const swallowed = forDrizzle.transaction(async (tx) => {
    await tx.query('insert into one values (2)');
    await tx.query('insert into one values (2)').catch(() => {});
  });
  await assert.rejects(swallowed, /taken back/);
  assert.deepEqual((await forDrizzle.query('select * from one')).rows, []);
});

test('when the disk does not take a transaction it is not done, and the process ends', { timeout }, async (t) => {
  const dataDir = await newFolder(t);
  const broken = `${dataDir}.broken`;
  const breakDisk = `
    import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    const { fsyncSync } = fs;
    fs.fsyncSync = (file) => {
      if (fs.existsSync(${JSON.stringify(broken)})) throw new Error('EIO: i/o error, fsync');
      fsyncSync(file);
    };
    syncBuiltinESMExports();`;
  const write = `
    import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
    import { openEmbedded } from ${JSON.stringify(new URL('../embedded.ts', import.meta.url).href)};
    const { query } = await openEmbedded({ dataDir: ${JSON.stringify(dataDir)} });
    await query('create table one (id int)');
    fs.writeFileSync(${JSON.stringify(broken)}, '');
    await query('insert into one values (1)');
    console.log('done');`;
  const asModule = (text: string) => `data:text/javascript,${encodeURIComponent(text)}`;
  const script = `${dataDir}.mjs`;
  fs.writeFileSync(script, write);
  const args = ['--import', asModule(breakDisk), script];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.equal(stdout, '', stderr);
  assert.equal(status, 1);
  assert.match(stderr, /did not take what the database wrote: EIO/);
});

test('the thread that asks goes on while it is worked on', { timeout }, async (t) => {
  const { query } = await open(t);
  let turns = 0;
  const turning = setInterval(() => (turns += 1), 1);
  await query('select count(*) from generate_series(1, 5000000)');
  clearInterval(turning);
  assert.ok(turns > 5, `${turns} turns`);
});

test('what was written is there after it was closed', { timeout }, async (t) => {
  const dataDir = await newFolder(t);
  const first = await open(t, dataDir);
  await first.query('create table one as select 7 as id');
  await first.close();
  const second = await open(t, dataDir);
  assert.deepEqual((await second.forDrizzle.query('select * from one')).rows, [{ id: 7 }]);
});

test('what is asked for after the end, or just before it, hears so', { timeout }, async (t) => {
  const { query, close } = await open(t);
  const [asked] = await Promise.allSettled([query('select 1'), close()]);
  assert.equal(asked.status, 'fulfilled');
  await assert.rejects(query('select 1'), /closed/);
});

test('a folder that holds something else is said, and no thread stays', { timeout }, async (t) => {
  const dataDir = await newFolder(t);
  fs.mkdirSync(dataDir);
  fs.writeFileSync(join(dataDir, 'PG_VERSION'), '9.6\n');
  await assert.rejects(openEmbedded({ dataDir }), Error);
});

test('what was left of a making that was broken off is made anew, and nobody else may read it', {
  timeout,
}, async (t) => {
  const dataDir = await newFolder(t);
  fs.mkdirSync(`${dataDir}.half`);
  fs.writeFileSync(join(`${dataDir}.half`, 'PG_VERSION'), '18\n');
  const { query } = await open(t, dataDir);
  await query('select 1');
  assert.equal(fs.existsSync(`${dataDir}.half`), false);
  assert.equal(fs.statSync(dataDir).mode & 0o777, 0o700);
});

test('a transaction is on the disk before it is done', { timeout }, async (t) => {
  const dataDir = await newFolder(t);
  const database = await PGlite.create({ fs: createDurableFiles(dataDir), startParams: durableParams });
  t.after(() => database.close());
  await database.exec('create table one (id int)');
  const synced: string[] = [];
  t.mock.method(fs, 'fsyncSync', (file: number) => {
    synced.push(fs.readlinkSync(`/proc/self/fd/${file}`));
  });
  syncBuiltinESMExports();
  await database.query('insert into one values (1)');
  t.mock.restoreAll();
  syncBuiltinESMExports();
  assert.match(synced.join(), /pg_wal/);
});
