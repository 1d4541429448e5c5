/**
 * The embedded database as Drizzle sees it. It lives in a thread of its own: the controller goes on while a query is
 * worked on, and while the disk takes what a transaction wrote.
 */

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { PGlite, QueryOptions, Results } from '@electric-sql/pglite';
import { createLine } from './reads-first.ts';

export interface EmbeddedOptions {
  /** When absent it lives in memory. */
  dataDir?: string | undefined;
}

export interface Ask {
  n: number;
  /** When absent, it is to close. */
  query?: { text: string; params: unknown[]; rowMode: 'array' | 'object' };
}

/** Of the ask of this number: one of both, or neither when it has closed. */
export interface Answer {
  n: number;
  result?: Results<unknown>;
  error?: Record<string, string>;
}

export interface Embedded {
  /** As much of PGlite as Drizzle uses. */
  client: PGlite;
  query(text: string): Promise<unknown>;
  close(): Promise<void>;
}

const closed = 'The database is closed.';

export async function openEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const start = (file: string) => new Worker(new URL(file, import.meta.url), { workerData: options });
  if (options.dataDir && !existsSync(join(options.dataDir, 'PG_VERSION')))
    await once(start('./make-thread.ts'), 'exit');
  const thread = start('./embedded-thread.ts');
  const waiting = new Map<number, PromiseWithResolvers<Results<unknown> | undefined>>();
  let asked = 0;
  let isClosed = false;
  const inLine = createLine();

  thread.on('message', ({ n, result, error }: Answer) => {
    const asker = waiting.get(n);
    waiting.delete(n);
    if (error) asker?.reject(Object.assign(new Error(error.message), error));
    else asker?.resolve(result);
  });
  // A thread that breaks takes the process along, which is started again: without it nothing works.
  thread.once('exit', () => {
    isClosed = true;
    for (const { reject } of waiting.values()) reject(new Error(closed));
  });

  async function ask(query?: Ask['query']): Promise<Results<unknown> | undefined> {
    if (isClosed) throw new Error(closed);
    const asker = Promise.withResolvers<Results<unknown> | undefined>();
    asked += 1;
    waiting.set(asked, asker);
    thread.postMessage({ n: asked, ...(query && { query }) } satisfies Ask);
    return await asker.promise;
  }

  const post = (text: string, params: unknown[] = [], { rowMode = 'object' }: QueryOptions = {}) =>
    ask({ text, params, rowMode });

  const query = (...[text, ...rest]: Parameters<typeof post>) =>
    inLine(/^\s*select\b/i.test(text) ? 'read' : 'write', () => post(text, ...rest));

  const transaction = <T>(work: (tx: { query: typeof post }) => Promise<T>) =>
    inLine('write', async () => {
      await post('begin');
      try {
        const result = await work({ query: post });
        await post('commit');
        return result;
      } catch (error) {
        await post('rollback');
        throw error;
      }
    });

  await query('select 1').catch(async (error) => {
    await thread.terminate();
    throw error;
  });
  return {
    client: { query, transaction } as unknown as PGlite,
    query,
    close: () =>
      inLine('write', async () => {
        const ended = once(thread, 'exit');
        await ask();
        await ended;
      }),
  };
}
