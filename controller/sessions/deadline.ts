/** The one timer of a session. */

import type { Clock } from '../clock.ts';

export interface Deadline {
  /** Replaces what was set before. */
  set(atMs: number): void;
  clear(): void;
}

export function createDeadline(clock: Clock, passed: () => void): Deadline {
  let callOff = () => {};
  return {
    set(atMs) {
      callOff();
      callOff = clock.after(Math.max(0, atMs - clock.now()), passed);
    },
    clear: () => callOff(),
  };
}
