import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { PGlite } from '@electric-sql/pglite';
import { idPattern, PolydevError } from '@polydev/protocol';
import { is, sql } from 'drizzle-orm';
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/pglite';
import { type Database, openDatabase } from '../database.ts';
import { migrate, readMigrations } from '../migrate.ts';
import * as schema from '../schema.ts';
import { embedded, server } from './databases.ts';

/** SHA-256 of each file as it landed: databases were made by it, so it never changes again. */
const landed: Readonly<Record<string, string>> = {
  '0001-first-tables.sql': '16a4369b3748f3db39a58fae3a409fbabc36d9efd2025fe3a04bc6655a0d9b8e',
  '0002-scopes-logins-consoles.sql': '24852ab5448e0ad23e77d73d815638de655fa618344b6d34aeb9ab16347de3e8',
  '0003-sandbox-logs.sql': 'c48644a95128088e88300e362ac74e6a84f2c2f0bf96968bac99767163ba4922',
  '0004-who-works-on-it.sql': '6f0d836840c93286f05143a2a92d389f936974696e869f0cf0342933b81fa9fb',
  '0005-which-host.sql': '23305497afcd90bc752993b9541b8b11ca7ef6ec8c64cc4987f9c6a2e9f70400',
  '0006-which-version-was-lent.sql': '52581dfdfe3e719e905a41da7133d8dd95dff7dfee0ff6033feac7e7ab971b51',
};

const tables = Object.values(schema).filter((value) => is(value, PgTable)) as PgTable[];

async function rowsOf(db: Database, query: ReturnType<typeof sql>): Promise<Record<string, unknown>[]> {
  const result = (await db.execute(query)) as { rows: Record<string, unknown>[] };
  return result.rows;
}

function expected() {
  return tables.map(getTableConfig).map((table) => ({
    name: table.name,
    columns: table.columns
      .map((column) => ({ name: column.name, type: column.getSQLType(), notNull: column.notNull }))
      .sort((a, b) => a.name.localeCompare(b.name)),
    primaryKey: [
      ...table.columns.filter((column) => column.primary).map((column) => column.name),
      ...table.primaryKeys.flatMap((key) => key.columns.map((column) => column.name)),
    ].sort(),
    unique: table.columns.filter((column) => column.isUnique).map((column) => column.name),
    references: table.foreignKeys
      .map((key) => {
        const { columns, foreignTable } = key.reference();
        return `${columns.map((column) => column.name)} → ${getTableConfig(foreignTable).name} ${key.onDelete}`;
      })
      .sort(),
    indexes: table.indexes.map((index) => `${index.config.name}${index.config.unique ? ' unique' : ''}`).sort(),
  }));
}

async function found(db: Database, name: string) {
  const columns = await rowsOf(
    db,
    sql`select column_name, data_type, is_nullable from information_schema.columns where table_name = ${name} order by column_name`,
  );
  const constraints = await rowsOf(
    db,
    sql`select contype as kind, confdeltype as on_delete, confrelid::regclass::text as target,
          (select array_to_json(array_agg(a.attname order by a.attname)) from pg_attribute a
             where a.attrelid = conrelid and a.attnum = any (conkey)) as columns
        from pg_constraint where conrelid = ${name}::regclass and contype in ('p', 'u', 'f')`,
  );
  const indexes = await rowsOf(
    db,
    sql`select c.relname as name, i.indisunique as "unique" from pg_index i join pg_class c on c.oid = i.indexrelid
        where i.indrelid = ${name}::regclass and not exists (select 1 from pg_constraint where conindid = i.indexrelid)`,
  );
  const ofKind = (kind: string) => constraints.filter((constraint) => constraint.kind === kind);
  const columnsOf = (constraint: Record<string, unknown>) => constraint.columns as string[];
  return {
    name,
    columns: columns.map((column) => ({
      name: column.column_name,
      type: column.data_type,
      notNull: column.is_nullable === 'NO',
    })),
    primaryKey: ofKind('p').flatMap(columnsOf),
    unique: ofKind('u').flatMap(columnsOf),
    references: ofKind('f')
      .map((key) => `${columnsOf(key)} → ${key.target} ${key.on_delete === 'c' ? 'cascade' : key.on_delete}`)
      .sort(),
    indexes: indexes.map((index) => `${index.name}${index.unique ? ' unique' : ''}`).sort(),
  };
}

for (const database of [embedded, server]) {
  test(`${database.name}: migrations make exactly the tables of schema.ts`, {
    skip: database.skip,
    timeout: 300_000,
  }, async (t) => {
    const { db } = await database.open(t);
    for (const table of expected()) assert.deepEqual(await found(db, table.name), table);
    const all = await rowsOf(db, sql`select table_name from information_schema.tables where table_schema = 'public'`);
    assert.deepEqual(
      all.map((row) => row.table_name).sort(),
      [...expected().map((table) => table.name), 'schema_migrations'].sort(),
    );
  });

  test(`${database.name}: migrating again changes nothing`, { skip: database.skip, timeout: 300_000 }, async (t) => {
    const { db } = await database.open(t);
    await migrate(db);
    await migrate(db);
  });

  test(`${database.name}: a migration that fails leaves nothing behind`, {
    skip: database.skip,
    timeout: 300_000,
  }, async (t) => {
    const { db } = await database.open(t);
    const known = await readMigrations();
    const bad = { number: known.length + 1, name: 'bad', statements: ['create table half (id text)', 'no sql'] };
    await assert.rejects(migrate(db, [...known, bad]));
    assert.deepEqual(await rowsOf(db, sql`select 1 from information_schema.tables where table_name = 'half'`), []);
    await migrate(db);
  });

  test(`${database.name}: a database of a newer version is refused`, {
    skip: database.skip,
    timeout: 300_000,
  }, async (t) => {
    const { db } = await database.open(t);
    await db.execute(sql`insert into schema_migrations values (9999, 'from-the-future', 0)`);
    await assert.rejects(migrate(db), (error) => error instanceof PolydevError && error.code === 'schema_newer');
  });
}

test('server: two controllers that start together migrate once', { skip: server.skip, timeout: 300_000 }, async (t) => {
  const { db } = await server.open(t);
  await db.execute(sql`drop schema public cascade`);
  await db.execute(sql`create schema public`);
  const others = await Promise.all([server.reopen?.(), server.reopen?.(), server.reopen?.()]);
  for (const other of others) await other?.close();
  assert.equal((await rowsOf(db, sql`select * from schema_migrations`)).length, (await readMigrations()).length);
});

test('migrations are only ever added', { timeout: 10_000 }, async () => {
  const folder = join(import.meta.dirname, '../migrations');
  const hashes = (await readdir(folder)).sort().map(async (file) => {
    const content = await readFile(join(folder, file));
    return [file, createHash('sha256').update(content).digest('hex')] as const;
  });
  assert.deepEqual(Object.fromEntries(await Promise.all(hashes)), landed);
});

test('an older database keeps its people signed in and its tokens as strong as they were', {
  timeout: 300_000,
}, async (t) => {
  const client = await PGlite.create();
  t.after(() => client.close());
  const db = drizzle({ client, schema });
  const known = await readMigrations();
  await migrate(db, known.slice(0, 1));
  await db.execute(sql`insert into users values ('usr_a', 'Ada', 'owner', '-', 1)`);
  await db.execute(sql`insert into logins values ('lgn_a', 'usr_a', 'hash', 5, 9)`);
  await db.execute(sql`insert into api_tokens values ('tok_a', 'usr_a', 'ci', 'hash', 5, null)`);
  await migrate(db, known);
  const [login] = await db.select().from(schema.logins);
  assert.deepEqual([login?.lastSeenAtMs, login?.agent], [5, '']);
  const [token] = await db.select().from(schema.apiTokens);
  assert.deepEqual([token?.scopes, token?.expiresAtMs], [['admin'], null]);
});

test('consoles that an older version kept are kept on, with their sign-in, also where it had no sandbox', {
  timeout: 300_000,
}, async (t) => {
  const client = await PGlite.create();
  t.after(() => client.close());
  const db = drizzle({ client, schema });
  const known = await readMigrations();
  await migrate(db, known.slice(0, 2));
  await db.execute(sql`insert into users values ('usr_a', 'Ada', 'owner', '-', 1)`);
  for (const [id, sandbox] of [
    ['ses_a', 'sbx_a'],
    ['ses_b', null],
  ]) {
    await db.execute(sql`insert into auth_sessions values
      (${id}, 'usr_a', 'claude_code', 'default', 'failed', '{"code":"sandbox_failed","message":"It died.","hint":"-"}',
       ${sandbox}, null, 5, 6, 7, 8)`);
    await db.execute(sql`insert into session_consoles values (${id}, 9, ${`the console of ${id} é`})`);
  }
  await migrate(db, known);
  const logs = await db.select().from(schema.sandboxLogs).orderBy(schema.sandboxLogs.sessionId);
  assert.deepEqual(
    logs.map(({ sessionId, userId, console, bytes, reason, moves }) => [
      sessionId,
      userId,
      console,
      bytes,
      reason.message,
      moves,
    ]),
    ['ses_a', 'ses_b'].map((id) => [id, 'usr_a', `the console of ${id} é`, 23, 'It died.', []]),
  );
  assert.equal(logs[0]?.sandboxId, 'sbx_a');
  assert.match(logs[1]?.sandboxId ?? '', new RegExp(idPattern('sandbox')));
});

test('the embedded database keeps its rows in a folder that only its user may enter', {
  timeout: 300_000,
}, async (t) => {
  const scratch = await mkdtemp(join(tmpdir(), 'polydev-database-'));
  t.after(() => rm(scratch, { recursive: true, force: true }));
  const dataDir = join(scratch, 'database');
  const first = await openDatabase({ dataDir });
  await first.db.insert(schema.facts).values({ name: 'a', value: 'b' });
  await first.close();
  const second = await openDatabase({ dataDir });
  t.after(() => second.close());
  assert.deepEqual(await second.db.select().from(schema.facts), [{ name: 'a', value: 'b' }]);
  assert.equal((await stat(dataDir)).mode & 0o777, 0o700);
});

test('a server that does not answer is a clear error, without its address', { timeout: 300_000 }, async () => {
  const opening = openDatabase({ url: 'postgres://me:planted@127.0.0.1:1/x' });
  await assert.rejects(opening, (error) => {
    assert.ok(error instanceof PolydevError);
    assert.equal(error.code, 'unavailable');
    assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /planted/);
    return true;
  });
});
