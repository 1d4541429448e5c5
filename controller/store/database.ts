/** Opens the database: PostgreSQL by address, or embedded PostgreSQL (PGlite) in a folder or in memory. */

import { mkdir } from 'node:fs/promises';
import { PGlite } from '@electric-sql/pglite';
import { PolydevError } from '@polydev/protocol';
import { drizzle as drizzleNodePostgres } from 'drizzle-orm/node-postgres';
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite';
import pg from 'pg';
import { migrate } from './migrate.ts';
import * as schema from './schema.ts';

/** The database or a transaction in it, whatever is behind. Rows touched are counted with `.returning()`. */
export type Database = PgDatabase<PgQueryResultHKT, typeof schema>;

export interface OpenDatabase {
  db: Database;
  /** `embedded` admits one process. */
  kind: 'embedded' | 'server';
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** `postgres://…`; when absent the embedded database is used. */
  url?: string | undefined;
  /** Folder of the embedded database, made with mode 0700; when absent it lives in memory. */
  dataDir?: string | undefined;
  onError?: (error: unknown) => void;
}

/** Opens the database and brings its tables up to date. `unavailable`, `disk_full`, `schema_newer`. */
export async function openDatabase(options: DatabaseOptions): Promise<OpenDatabase> {
  let opened: OpenDatabase | undefined;
  try {
    opened = options.url ? openServer(options.url, options.onError) : await openEmbedded(options.dataDir);
    await migrate(opened.db);
    return opened;
  } catch (error) {
    await opened?.close();
    throw explain(error, options);
  }
}

function explain(cause: unknown, { url, dataDir }: DatabaseOptions): PolydevError {
  if (cause instanceof PolydevError) return cause;
  if ((cause as NodeJS.ErrnoException).code === 'ENOSPC')
    return new PolydevError('disk_full', `There is no room for the database in ${dataDir}.`, { cause });
  const sentence = url
    ? 'The PostgreSQL that DATABASE_URL names does not answer, or does not let Polydev in.'
    : `The database in ${dataDir} cannot be opened.`;
  return new PolydevError('unavailable', sentence, { cause });
}

async function openEmbedded(dataDir: string | undefined): Promise<OpenDatabase> {
  if (dataDir) await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const client = await PGlite.create(dataDir ? { dataDir } : {});
  return { db: drizzlePglite({ client, schema }), kind: 'embedded', close: () => client.close() };
}

function openServer(url: string, onError: DatabaseOptions['onError']): OpenDatabase {
  const pool = new pg.Pool({ connectionString: url, max: 10, connectionTimeoutMillis: 10_000 });
  // An idle connection that breaks is replaced at the next query; without a listener it would end the process.
  pool.on('error', (error) => onError?.(error));
  return { db: drizzleNodePostgres({ client: pool, schema }), kind: 'server', close: () => pool.end() };
}
