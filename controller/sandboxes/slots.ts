/** How many sandboxes may be in use at once. Who may wait does so in line, where each person's turn comes in fairness. */

import { PolydevError, type UserId } from '@polydev/protocol';
import { untilAborted } from '../abort.ts';

export interface Slots {
  /** `capacity` when all are taken. Resolves to the way to give it back, which may be called again without effect. */
  take(who: UserId): () => void;
  /** Takes one whether or not there is one, for a sandbox that is there already. */
  occupy(who: UserId): () => void;
  /** Who holds least comes first; among equals, who came first. Rejects with the signal's reason. */
  wait(who: UserId, signal: AbortSignal): Promise<() => void>;
  readonly used: number;
}

interface Waiting {
  who: UserId;
  wake: () => void;
}

/** Somebody's sandbox usually ends before this; for Retry-After. */
const retryAfterSeconds = 5;

export function createSlots(count: number): Slots {
  const holders = new Map<UserId, number>();
  const line: Waiting[] = [];
  let used = 0;

  const heldBy = (who: UserId) => holders.get(who) ?? 0;

  function hold(who: UserId): () => void {
    let held = true;
    used += 1;
    holders.set(who, heldBy(who) + 1);
    return () => {
      if (!held) return;
      held = false;
      used -= 1;
      const left = heldBy(who) - 1;
      if (left > 0) holders.set(who, left);
      else holders.delete(who);
      passOn();
    };
  }

  function passOn(): void {
    if (used >= count || line.length === 0) return;
    const next = line.reduce((best, one) => (heldBy(one.who) < heldBy(best.who) ? one : best));
    line.splice(line.indexOf(next), 1);
    next.wake();
  }

  function take(who: UserId): () => void {
    if (used >= count) {
      throw new PolydevError('capacity', `All ${count} sandboxes that may be there at once are in use.`, {
        details: { retryAfterSeconds },
      });
    }
    return hold(who);
  }

  return {
    take,
    occupy: hold,
    async wait(who, signal) {
      signal.throwIfAborted();
      if (used < count) return take(who);
      const { promise: turn, resolve } = Promise.withResolvers<() => void>();
      // It is held from the moment of being woken, so that nobody else takes it meanwhile.
      const waiting = { who, wake: () => resolve(hold(who)) };
      line.push(waiting);
      try {
        return await untilAborted(turn, signal);
      } catch (error) {
        const index = line.indexOf(waiting);
        // Woken and aborted at the same moment: the slot goes to the next.
        if (index === -1) (await turn)();
        else line.splice(index, 1);
        throw error;
      }
    },
    get used() {
      return used;
    },
  };
}
