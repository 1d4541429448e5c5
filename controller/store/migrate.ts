/** Brings the tables up to date: every file of `migrations/` once, in order, all of them or none. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PolydevError } from '@polydev/protocol';
import { sql } from 'drizzle-orm';
import { bigint, integer, pgTable, text } from 'drizzle-orm/pg-core';
import type { Database } from './database.ts';

const folder = join(import.meta.dirname, 'migrations');
/** Stands between the statements of a file: prepared queries take one statement each. */
const breakpoint = '--> statement-breakpoint';
/** Any constant that nothing else locks. */
const lockKey = 7_065_642;

const schemaMigrations = pgTable('schema_migrations', {
  number: integer('number').primaryKey(),
  name: text('name').notNull(),
  appliedAtMs: bigint('applied_at_ms', { mode: 'number' }).notNull(),
});

export interface Migration {
  /** From the file name, `0001-name.sql`; counts from 1 without gaps. */
  number: number;
  name: string;
  statements: string[];
}

export async function readMigrations(from: string = folder): Promise<Migration[]> {
  const files = (await readdir(from)).filter((file) => file.endsWith('.sql')).sort();
  return await Promise.all(
    files.map(async (file, index) => {
      const match = /^(\d{4})-([a-z0-9-]+)\.sql$/.exec(file);
      if (!match?.[1] || !match[2] || Number(match[1]) !== index + 1)
        throw new Error(`Migrations must be numbered without gaps; ${file} is out of place.`);
      const content = await readFile(join(from, file), 'utf8');
      const statements = content.split(breakpoint).map((statement) => statement.trim());
      return { number: index + 1, name: match[2], statements: statements.filter((statement) => statement !== '') };
    }),
  );
}

/** Throws `schema_newer` when a later version of Polydev has been here. */
export async function migrate(db: Database, migrations?: Migration[]): Promise<void> {
  const known = migrations ?? (await readMigrations());
  await db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(${sql.raw(String(lockKey))})`);
    await tx.execute(
      sql`create table if not exists schema_migrations (number integer primary key, name text not null, applied_at_ms bigint not null)`,
    );
    const applied = await tx.select().from(schemaMigrations).orderBy(schemaMigrations.number);
    const newest = applied.at(-1)?.number ?? 0;
    if (newest > known.length)
      throw new PolydevError(
        'schema_newer',
        `The database was written by a newer Polydev: its schema is ${newest}, this version knows ${known.length}.`,
        { details: { database: newest, known: known.length } },
      );
    for (const { number, name, statements } of known.slice(newest)) {
      for (const statement of statements) await tx.execute(sql.raw(statement));
      await tx.insert(schemaMigrations).values({ number, name, appliedAtMs: Date.now() });
    }
  });
}
