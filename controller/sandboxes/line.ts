/** Who wants a sandbox waits in line for it. Each person's turn comes in fairness. */

import { limits, PolydevError, type Profile, type UserId } from '@polydev/protocol';
import { untilAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';
import { createRounds } from '../rounds.ts';

export interface Wanted {
  profile: Profile;
  userId: UserId;
  /** For as long as it takes; else for `limits.lineMs`. */
  wait: boolean;
  signal: AbortSignal;
}

export interface Held<T> {
  turn: T;
  /** May be called again without effect. */
  giveBack: () => void;
}

export interface Line<T> {
  /**
   * Who holds least comes first; among equals who does not wait for long, then who came first. Rejects with the signal's
   * reason; who does not wait for long, with `capacity` or why there was nothing to have.
   */
  wait(wanted: Wanted): Promise<Held<T>>;
  /** For what somebody has already. Answers the way to give it back. */
  hold(who: UserId): () => void;
  /** There may be something for the next. */
  look(): void;
  stop(): void;
}

export interface LineDeps<T> {
  /** Null where there is nothing now. */
  turnOf(wanted: Wanted): Promise<T | null>;
  /** Whose turn it was does not want it any more. */
  unused(turn: T): void;
  /** Nothing new can be had just now, only what is there already: of another kind than the first wants there may be some. */
  isBusy(): boolean;
  clock: Clock;
}

interface Waiting<T> {
  wanted: Wanted;
  held: PromiseWithResolvers<Held<T>>;
}

/** Memory comes back without telling anybody. */
const lookMs = 1_000;
/** For Retry-After: somebody's sandbox usually ends before. Those who are refused in one moment come back in many. */
const retryAfterSeconds = { least: 5, most: 15 };

export function createLine<T>({ turnOf, unused, isBusy, clock }: LineDeps<T>): Line<T> {
  const holders = new Map<UserId, number>();
  const waiting = new Set<Waiting<T>>();
  let trouble: unknown;

  const heldBy = (who: UserId) => holders.get(who) ?? 0;

  function hold(who: UserId): () => void {
    let held = true;
    holders.set(who, heldBy(who) + 1);
    return () => {
      if (!held) return;
      held = false;
      const left = heldBy(who) - 1;
      if (left > 0) holders.set(who, left);
      else holders.delete(who);
    };
  }

  function isBefore({ wanted: one }: Waiting<T>, { wanted: other }: Waiting<T>): boolean {
    const more = heldBy(one.userId) - heldBy(other.userId);
    return more === 0 ? !one.wait && other.wait : more < 0;
  }

  async function look(): Promise<void> {
    while (waiting.size > 0) {
      const found = await first();
      if (!found) return rounds.within(lookMs);
      const { next, turn } = found;
      if (waiting.delete(next)) next.held.resolve({ turn, giveBack: hold(next.wanted.userId) });
      else unused(turn);
    }
  }

  /** Who is next, with what there is. */
  async function first(): Promise<{ next: Waiting<T>; turn: T } | null> {
    const inVain = new Set<Profile>();
    for (;;) {
      const others = [...waiting].filter(({ wanted }) => !inVain.has(wanted.profile));
      if (others.length === 0) return null;
      const next = others.reduce((best, one) => (isBefore(one, best) ? one : best));
      const turn = await turnFor(next);
      if (turn !== null) return { next, turn };
      if (!isBusy()) return null;
      inVain.add(next.wanted.profile);
    }
  }

  async function turnFor({ wanted }: Waiting<T>): Promise<T | null> {
    try {
      const found = await turnOf(wanted);
      trouble = undefined;
      return found;
    } catch (error) {
      trouble = error;
      return null;
    }
  }
  const rounds = createRounds(clock, look);

  function tooLong(): unknown {
    const { least, most } = retryAfterSeconds;
    const details = { retryAfterSeconds: least + Math.floor(Math.random() * (most - least)) };
    return trouble ?? new PolydevError('capacity', 'There is no room for another sandbox now.', { details });
  }

  return {
    async wait(wanted) {
      wanted.signal.throwIfAborted();
      const one: Waiting<T> = { wanted, held: Promise.withResolvers() };
      waiting.add(one);
      rounds.within(0);
      const giveUp = () => waiting.delete(one) && one.held.reject(tooLong());
      const callOff = wanted.wait ? () => {} : clock.after(limits.lineMs, giveUp);
      try {
        return await untilAborted(one.held.promise, wanted.signal);
      } catch (error) {
        // Its turn came and it was aborted in the same moment: the turn is for the next.
        if (!waiting.delete(one) && wanted.signal.aborted)
          void one.held.promise.then(
            ({ turn, giveBack }) => {
              giveBack();
              unused(turn);
            },
            () => {},
          );
        throw error;
      } finally {
        callOff();
      }
    },
    hold,
    look: () => rounds.within(0),
    stop: rounds.stop,
  };
}
