/**
 * The embedded database, in a thread of its own: the controller goes on while a query is worked on, and while the disk
 * takes what a transaction wrote. A thread that breaks takes the process along, which is started again: without it
 * nothing works.
 */

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { PGlite, Results } from '@electric-sql/pglite';
import { createEmbeddedClient, type EmbeddedQuery } from './embedded-client.ts';

export interface EmbeddedOptions {
  dataDir: string;
}

export interface Ask {
  n: number;
  /** When absent, it is to close. */
  query?: EmbeddedQuery;
}

/** Of the ask of this number: one of both, or neither when it has closed. */
export interface Answer {
  n: number;
  result?: Results<unknown>;
  error?: Record<string, string>;
}

export interface Embedded {
  forDrizzle: PGlite;
  query(text: string): Promise<Results<unknown>>;
  close(): Promise<void>;
}

export async function openEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  if (!isMade(options.dataDir)) await make(options.dataDir);
  const thread = startThread('./embedded-thread.ts', options);
  const waiting = new Map<number, PromiseWithResolvers<Results<unknown> | undefined>>();
  let asked = 0;
  let phase: 'opening' | 'open' | 'closing' | 'closed' = 'opening';

  thread.on('message', ({ n, result, error }: Answer) => {
    const asker = waiting.get(n);
    waiting.delete(n);
    if (error) asker?.reject(Object.assign(new Error(error.message), error));
    else asker?.resolve(result);
  });
  thread.on('error', (error) => {
    if (phase !== 'opening') throw error;
    for (const { reject } of waiting.values()) reject(error);
  });
  thread.once('exit', () => {
    const expected = phase !== 'open';
    phase = 'closed';
    for (const { reject } of waiting.values()) reject(closed());
    if (!expected) throw new Error('The embedded database ended.');
  });

  async function ask(query?: EmbeddedQuery): Promise<Results<unknown> | undefined> {
    if (phase === 'closed') throw closed();
    const asker = Promise.withResolvers<Results<unknown> | undefined>();
    asked += 1;
    thread.postMessage({ n: asked, ...(query && { query }) } satisfies Ask);
    waiting.set(asked, asker);
    return await asker.promise;
  }

  const { forDrizzle, query, inLine } = createEmbeddedClient({
    ask: async (query) => (await ask(query)) ?? { rows: [], fields: [] },
    onStuck: () => void thread.terminate(),
  });

  try {
    await query('select 1');
  } catch (error) {
    await thread.terminate();
    throw error;
  }
  phase = 'open';
  return {
    forDrizzle,
    query,
    close: () =>
      inLine('write', async () => {
        if (phase !== 'open') return;
        phase = 'closing';
        const ended = once(thread, 'exit');
        await ask().catch(() => thread.terminate());
        await ended;
      }),
  };
}

const closed = () => new Error('The database is closed.');
const isMade = (dataDir: string) => existsSync(join(dataDir, 'PG_VERSION'));

async function make(dataDir: string): Promise<void> {
  await once(startThread('./embedded-making.ts', { dataDir }), 'exit');
  if (!isMade(dataDir)) throw new Error(`The database in ${dataDir} could not be made.`);
}

function startThread(file: string, workerData: EmbeddedOptions): Worker {
  return new Worker(new URL(file, import.meta.url), { workerData });
}
