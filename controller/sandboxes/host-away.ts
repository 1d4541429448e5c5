/** A host service that ended is started again by who supervises it. Until then, what needs it waits. */

import { setTimeout as sleep } from 'node:timers/promises';
import { PolydevError } from '@polydev/protocol';

const againMs = 500;

export function isAway(error: unknown): boolean {
  return error instanceof PolydevError && error.code === 'unavailable';
}

/**
 * Does it, and again while the host service is away: what it had begun is gone with it. Rejects with `unavailable` when
 * it is away for `forMs` from when that was first seen, or after an abort.
 */
export async function whenHostIsThere<T>(
  work: () => Promise<T>,
  { signal, forMs }: { signal: AbortSignal; forMs: number },
): Promise<T> {
  let lastMs: number | undefined;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      lastMs ??= performance.now() + forMs;
      if (!isAway(error) || signal.aborted || performance.now() > lastMs) throw error;
      await sleep(againMs, undefined, { signal }).catch(() => {});
    }
  }
}
