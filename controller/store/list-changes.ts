/** Tells everyone who looks at the lists of a person that one of them is not what it was, whichever controller changed it. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { ListChange, SequencedEvent, UserId } from '@polydev/protocol';
import type { EphemeralStore } from './ephemeral.ts';

export interface ListChanges {
  /** Never fails, and may get lost. */
  tell(userId: UserId, list: ListChange['list']): void;
  /**
   * First `all`, since nobody knows what was missed before, then each change as it comes, those of one list within
   * a moment as one. Numbered on from `afterSeq`. Ends with the signal or with its reader.
   */
  follow(
    userId: UserId,
    afterSeq: number,
    signal: AbortSignal,
  ): AsyncGenerator<SequencedEvent<ListChange>, void, undefined>;
}

/** Whoever hears of a change reads the list. */
const momentMs = 200;
const lists: readonly string[] = ['sessions', 'runs', 'credentials'] satisfies ListChange['list'][];

export function createListChanges(ephemeral: EphemeralStore, now: () => number = Date.now): ListChanges {
  const channelOf = (userId: UserId) => `lists:${userId}`;
  return {
    tell: (userId, list) => void ephemeral.publish(channelOf(userId), list).catch(() => {}),

    async *follow(userId, afterSeq, signal) {
      const changed = new Set<ListChange['list']>(['all']);
      let wake = () => {};
      // A message may be empty: then it may have been about any of them.
      const unsubscribe = await ephemeral.subscribe(channelOf(userId), (message) => {
        changed.add(lists.includes(message) ? (message as ListChange['list']) : 'all');
        wake();
      });
      const over = () => wake();
      signal.addEventListener('abort', over, { once: true });
      let seq = afterSeq;
      try {
        while (!signal.aborted) {
          for (const list of changed) {
            changed.delete(list);
            seq += 1;
            yield { seq, atMs: now(), event: { list } };
            if (signal.aborted) return;
          }
          const moment = sleep(momentMs, undefined, { signal }).catch(() => {});
          if (changed.size === 0) {
            await new Promise<void>((resolve) => {
              wake = resolve;
              if (signal.aborted) resolve();
            });
          }
          await moment;
        }
      } finally {
        unsubscribe();
        signal.removeEventListener('abort', over);
      }
    },
  };
}
