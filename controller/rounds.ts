/** Work that is done over and over: one at a time, and no later than the earliest time that anybody asked for. */

import type { Clock } from './clock.ts';

export interface Rounds {
  /** The next one begins within this time, or once the present one has ended. */
  within(delayMs: number): void;
  stop(): void;
}

/** `work` must not reject. */
export function createRounds(clock: Clock, work: () => Promise<void>): Rounds {
  let due: { atMs: number; callOff: () => void } | undefined;
  let working = false;
  let again = false;
  let stopped = false;

  function begin(): void {
    due = undefined;
    if (working) {
      again = true;
      return;
    }
    working = true;
    void work().finally(() => {
      working = false;
      if (!again || stopped) return;
      again = false;
      begin();
    });
  }

  return {
    within(delayMs) {
      const atMs = clock.now() + delayMs;
      if (stopped || (due && due.atMs <= atMs)) return;
      due?.callOff();
      due = { atMs, callOff: clock.after(delayMs, begin) };
    },
    stop() {
      stopped = true;
      due?.callOff();
    },
  };
}
