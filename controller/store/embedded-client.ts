/** As much of PGlite as Drizzle uses, over whatever answers one query after the other. */

import type { PGlite, QueryOptions, Results } from '@electric-sql/pglite';
import { createLine, type Line } from './line.ts';

export interface EmbeddedQuery {
  text: string;
  params: unknown[];
  rowMode: 'array' | 'object';
}

export interface EmbeddedClient {
  forDrizzle: PGlite;
  query(text: string): Promise<Results<unknown>>;
  inLine: Line;
}

export interface EmbeddedClientDeps {
  ask(query: EmbeddedQuery): Promise<Results<unknown>>;
  /** A transaction can be neither finished nor taken back: nothing else can be done there any more. */
  onStuck(error: unknown): void;
}

export function createEmbeddedClient({ ask, onStuck }: EmbeddedClientDeps): EmbeddedClient {
  const inLine = createLine();
  const post = (text: string, params: unknown[] = [], { rowMode = 'object' }: QueryOptions = {}) =>
    ask({ text, params, rowMode });

  const query = (...[text, ...rest]: Parameters<typeof post>) =>
    inLine(/^\s*select\b/i.test(text) ? 'read' : 'write', () => post(text, ...rest));

  const transaction = <T>(work: (tx: { query: typeof post }) => Promise<T>) =>
    inLine('write', async () => {
      let isOver = false;
      const tx: typeof post = async (...args) => {
        if (isOver) throw new Error('The transaction is over.');
        return await post(...args);
      };
      await post('begin');
      try {
        const result = await work({ query: tx });
        isOver = true;
        const { command } = await post('commit');
        if (command === 'ROLLBACK') throw new Error('The transaction was taken back: something in it had failed.');
        return result;
      } catch (error) {
        isOver = true;
        // After a commit that failed there is none, which is a warning.
        await post('rollback').catch(onStuck);
        throw error;
      }
    });

  return { forDrizzle: { query, transaction } as unknown as PGlite, query, inLine };
}
