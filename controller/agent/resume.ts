/** A numbered stream of the agent as one sequence, whatever happens to the connections that carry it. */

import { setTimeout as sleep } from 'node:timers/promises';
import { PolydevError } from '@polydev/protocol';

/** Waits between attempts that bring nothing new; after the last one the agent counts as unreachable. */
export const resumeDelaysMs: readonly number[] = [50, 100, 250, 500, 1_000, 2_000];

export interface NumberedStream<E extends { n: number }> {
  /** Items from `after + 1` on. */
  connect(after: number): AsyncIterable<E>;
  /** Nothing follows this item. */
  isLast(item: E): boolean;
  signal: AbortSignal;
  delaysMs?: readonly number[];
}

/**
 * Yields each item once, in order, and ends after the last one or when the signal aborts. A lost connection is made
 * again; `agent_talks_nonsense` is thrown on, and for a gap in the numbers.
 */
export async function* resume<E extends { n: number }>(stream: NumberedStream<E>, after = 0): AsyncGenerator<E> {
  const { signal, delaysMs = resumeDelaysMs } = stream;
  let seen = after;
  let attempt = 0;
  while (!signal.aborted) {
    let lost: unknown;
    try {
      for await (const item of stream.connect(seen)) {
        if (signal.aborted) return;
        if (item.n !== seen + 1) {
          throw new PolydevError('agent_talks_nonsense', 'The sandbox skipped a part of what it had to say.');
        }
        seen = item.n;
        attempt = 0;
        yield item;
        if (stream.isLast(item)) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof PolydevError && error.code !== 'agent_unreachable') throw error;
      lost = error;
    }
    const delayMs = delaysMs[attempt++];
    if (delayMs === undefined) {
      throw new PolydevError('agent_unreachable', 'The connection to the sandbox was lost.', { cause: lost });
    }
    await sleep(delayMs, undefined, { signal }).catch(() => {});
  }
}
