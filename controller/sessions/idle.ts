/** Notices that nothing happens in a sign-in: says so a while before it is over for that, and once more when it is. */

import type { Clock } from '../clock.ts';

export interface Idle {
  /** Something happens, now or, for a while that must not count as idle, at this later time. */
  active(atMs?: number): void;
  /** Nothing is said any more. */
  clear(): void;
}

export interface IdleEvents {
  /** Nothing has happened for long; it will be over then. */
  quiet(overAtMs: number): void;
  /** After `quiet`: something has happened again. */
  stirred(): void;
  over(): void;
}

/** `warnMs`: at most half of `idleMs`. */
export function createIdle(
  clock: Clock,
  { idleMs, warnMs }: { idleMs: number; warnMs: number },
  say: IdleEvents,
): Idle {
  let lastMs = clock.now();
  let warned = false;
  let cleared = false;
  let callOff = () => {};

  // What happens moves no timer: the timer looks when something last happened.
  function look(): void {
    const leftMs = lastMs + idleMs - clock.now();
    if (leftMs <= 0) {
      say.over();
      return;
    }
    if (!warned && leftMs <= warnMs) {
      warned = true;
      say.quiet(lastMs + idleMs);
    }
    callOff = clock.after(warned ? leftMs : leftMs - warnMs, look);
  }
  look();

  return {
    active(atMs = clock.now()) {
      if (cleared) return;
      lastMs = Math.max(lastMs, atMs);
      if (!warned) return;
      warned = false;
      say.stirred();
    },
    clear() {
      cleared = true;
      callOff();
    },
  };
}
