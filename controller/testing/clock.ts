/** A clock that goes with the real one, or stands still, and jumps when a test says so. */

import { type Clock, realClock } from '../clock.ts';

export interface JumpingClock extends Clock {
  /** What is due by then is called now. */
  jump(timeMs: number): void;
}

export function createJumpingClock({ goes = true } = {}): JumpingClock {
  const waiting = new Set<{ dueMs: number; call: () => void }>();
  let aheadMs = 0;
  const startedMs = realClock.now();
  const now = () => (goes ? realClock.now() : startedMs) + aheadMs;
  return {
    now,
    after(delayMs, call) {
      const entry = { dueMs: now() + delayMs, call: () => fire() };
      const callOff = goes ? realClock.after(delayMs, () => entry.call()) : () => {};
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
