/** A host service that ended is started again by who supervises it. Until then, what needs it waits. */

import { setTimeout as sleep } from 'node:timers/promises';
import { PolydevError } from '@polydev/protocol';

const againMs = 500;

/**
 * Does it, and again while the host service is away: what it had begun is gone with it. Rejects with `unavailable`
 * when it stays away for `forMs`, or after an abort.
 */
export async function whenHostIsThere<T>(
  work: () => Promise<T>,
  { signal, forMs = Number.POSITIVE_INFINITY }: { signal: AbortSignal; forMs?: number },
): Promise<T> {
  const lastMs = performance.now() + forMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const away = error instanceof PolydevError && error.code === 'unavailable';
      if (!away || signal.aborted || performance.now() > lastMs) throw error;
      await sleep(againMs, undefined, { signal }).catch(() => {});
    }
  }
}
