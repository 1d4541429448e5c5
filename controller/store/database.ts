/** Opens the database: PostgreSQL by address, or embedded PostgreSQL (PGlite) in a folder. */

import type { Socket } from 'node:net';
import { PolydevError } from '@polydev/protocol';
import { drizzle as drizzleNodePostgres, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite';
import pg from 'pg';
import { openEmbedded } from './embedded.ts';
import { diskFull, hasErrorCode } from './error-code.ts';
import { migrate } from './migrate.ts';
import { createEmbeddedPatience, createPatience, isDatabaseLoss, type Patience } from './patience.ts';
import * as schema from './schema.ts';
import type { StoreWatch } from './watch.ts';

/** To wait until one is free. */
const lineMs = 10_000;

/** The database or a transaction in it, whatever is behind. Rows touched are counted with `.returning()`. */
export type Database = PgDatabase<PgQueryResultHKT, typeof schema>;

/** What everything that keeps something works with. */
export interface Store {
  db: Database;
  patience: Patience;
}

export interface OpenDatabase extends Store {
  /** `embedded` admits one process. */
  kind: 'embedded' | 'server';
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** `postgres://…`; when absent the embedded database is used. */
  url?: string | undefined;
  /** Folder of the embedded database, made with mode 0700. */
  dataDir?: string | undefined;
  /** Of a server. */
  watch?: StoreWatch;
  /** To make a connection to it. */
  connectMs?: number;
  /** Of the embedded one. */
  vacuumEveryMs?: number;
  /** Until then the log of writes grows, which a start after a crash goes through. */
  checkpointEveryMs?: number;
}

const hourMs = 60 * 60 * 1000;
const fiveMinutesMs = 5 * 60 * 1000;

/** Opens the database and brings its tables up to date. `unavailable`, `disk_full`, `schema_newer`. */
export async function openDatabase(options: DatabaseOptions): Promise<OpenDatabase> {
  let opened: OpenDatabase | undefined;
  try {
    opened = options.url ? openServer(options.url, options) : await openInFolder(options);
    await migrate(opened.db);
    return opened;
  } catch (error) {
    await opened?.close();
    throw explain(error, options);
  }
}

function explain(cause: unknown, { url, dataDir }: DatabaseOptions): PolydevError {
  if (cause instanceof PolydevError) return cause;
  if (hasErrorCode(cause, ...diskFull))
    return new PolydevError('disk_full', `There is no room for the database in ${dataDir}.`, { cause });
  const sentence = url
    ? 'The PostgreSQL that DATABASE_URL names does not answer, or does not let Polydev in.'
    : `The database in ${dataDir} cannot be opened.`;
  return new PolydevError('unavailable', sentence, { cause });
}

async function openInFolder({ dataDir, vacuumEveryMs = hourMs, checkpointEveryMs = fiveMinutesMs }: DatabaseOptions) {
  if (dataDir === undefined) throw new PolydevError('internal', 'A database has an address or a folder.');
  const embedded = await openEmbedded({ dataDir });
  const patience = createEmbeddedPatience();
  // A server does both by itself. When there is no room for it now, there may be at the next. One that is under way is
  // enough: others would stand in the line before what is written.
  const repeat = (statement: string, everyMs: number) => {
    let isUnderWay = false;
    return setInterval(async () => {
      if (isUnderWay) return;
      isUnderWay = true;
      await embedded.query(statement).catch(() => {});
      isUnderWay = false;
    }, everyMs).unref();
  };
  const timers = [repeat('vacuum', vacuumEveryMs), repeat('checkpoint', checkpointEveryMs)];
  return {
    db: drizzlePglite({ client: embedded.forDrizzle, schema }),
    patience,
    kind: 'embedded' as const,
    async close() {
      for (const timer of timers) clearInterval(timer);
      patience.end();
      await embedded.close();
    },
  };
}

function openServer(connectionString: string, { watch, connectMs = 3_000 }: DatabaseOptions): OpenDatabase {
  const connections = new Map<pg.ClientBase, NodePgDatabase<typeof schema>>();
  const patience = createPatience(() => askOnce(connectionString, connectMs), {
    lost(error) {
      watch?.lost(error);
      // What waits for an answer on one of them would wait for long, and a server that shuts down waits for them.
      for (const connection of connections.keys()) cut(connection);
    },
    back: () => watch?.back(),
  });
  const waitMs = Math.max(lineMs, connectMs);
  const Client = clientWithin(connectMs);
  const pool = new pg.Pool({ connectionString, max: 10, connectionTimeoutMillis: waitMs, Client });
  pool.on('connect', (connection) => {
    connections.set(connection, drizzleNodePostgres({ client: connection, schema }));
    // Without a listener a connection that breaks within a transaction would end the process.
    connection.on('error', patience.look);
  });
  pool.on('remove', (connection) => connections.delete(connection));
  pool.on('error', () => {}); // The same, of an idle one.
  const db = drizzleNodePostgres({ client: pool, schema });
  // Drizzle's own does not give a connection back that broke at `begin`: the pool would wait for it for ever.
  db.transaction = async (work, config) => {
    const connection = await pool.connect();
    try {
      const own = connections.get(connection) ?? drizzleNodePostgres({ client: connection, schema });
      return await own.transaction(work, config);
    } finally {
      connection.release();
    }
  };
  return {
    db,
    patience,
    kind: 'server',
    async close() {
      patience.end();
      await pool.end();
    },
  };
}

/** That gives up when its connection takes longer than this. */
function clientWithin(connectMs: number): typeof pg.Client {
  return class extends pg.Client {
    constructor(config: pg.ClientConfig = {}) {
      super({ ...config, connectionTimeoutMillis: connectMs });
    }
  };
}

/** By a connection of its own: those that there are say nothing about those that are to be made. */
async function askOnce(connectionString: string, connectMs: number): Promise<void> {
  const client = new (clientWithin(connectMs))({ connectionString, query_timeout: connectMs });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select 1');
  } catch (error) {
    if (isDatabaseLoss(error)) throw error;
    // A server that refuses is there.
  } finally {
    client.end().catch(() => {});
  }
}

/** As if the other end had gone: then `pg` and its pool do what is to be done. */
function cut(connection: pg.ClientBase): void {
  (connection as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
}
