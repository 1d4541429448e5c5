/** The one timer of a session. */

export interface Deadline {
  /** Replaces what was set before. */
  set(atMs: number): void;
  clear(): void;
}

export function createDeadline(passed: () => void, now: () => number): Deadline {
  let timer: NodeJS.Timeout | undefined;
  return {
    set(atMs) {
      clearTimeout(timer);
      timer = setTimeout(passed, Math.max(0, atMs - now()));
    },
    clear: () => clearTimeout(timer),
  };
}
