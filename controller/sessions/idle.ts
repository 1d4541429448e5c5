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

/** Once warned, what nobody tells of is asked for this often. */
const askAgainMs = 10_000;

/**
 * `warnMs`: at most half of `idleMs`. `unheardMs` is asked before anything is said: how long ago something happened of
 * which nobody tells; null when it is not known. It must not reject.
 */
export function createIdle(
  clock: Clock,
  { idleMs, warnMs }: { idleMs: number; warnMs: number },
  say: IdleEvents,
  unheardMs: () => Promise<number | null>,
): Idle {
  let lastMs = clock.now();
  let warned = false;
  let cleared = false;
  let callOff = () => {};

  const leftMs = () => lastMs + idleMs - clock.now();

  function active(atMs = clock.now()): void {
    if (cleared || atMs <= lastMs) return;
    lastMs = atMs;
    if (!warned) return;
    warned = false;
    say.stirred();
  }

  // What happens moves no timer: the timer looks when something last happened.
  async function look(): Promise<void> {
    if (warned || leftMs() <= warnMs) {
      const agoMs = await unheardMs();
      if (agoMs !== null) active(clock.now() - agoMs);
    }
    if (cleared) return;
    if (leftMs() <= 0) return say.over();
    if (!warned && leftMs() <= warnMs) {
      warned = true;
      say.quiet(lastMs + idleMs);
    }
    callOff = clock.after(warned ? Math.min(leftMs(), askAgainMs) : leftMs() - warnMs, () => void look());
  }
  void look();

  return {
    active,
    clear() {
      cleared = true;
      callOff();
    },
  };
}
