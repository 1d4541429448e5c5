/** A clock that goes with the real one, and jumps when a test says so. */

import { type Clock, realClock } from '../clock.ts';

export interface JumpingClock extends Clock {
  /** What is due by then is called now. */
  jump(timeMs: number): void;
}

export function createJumpingClock(): JumpingClock {
  const waiting = new Set<{ dueMs: number; call: () => void }>();
  let aheadMs = 0;
  const now = () => realClock.now() + aheadMs;
  return {
    now,
    after(delayMs, call) {
      const entry = { dueMs: now() + delayMs, call: () => fire() };
      const callOff = realClock.after(delayMs, () => entry.call());
      const fire = () => {
        if (!waiting.delete(entry)) return;
        callOff();
        call();
      };
      waiting.add(entry);
      return () => {
        waiting.delete(entry);
        callOff();
      };
    },
    jump(timeMs) {
      aheadMs += timeMs;
      for (const { dueMs, call } of [...waiting]) if (dueMs <= now()) call();
    },
  };
}
