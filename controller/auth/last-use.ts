/**
 * When each was last used, written no more often than `stepMs`. No request waits for it, nor does it insist: it is for
 * people to look at, and the next use tells it again.
 */

export interface LastUse<Id> {
  /** `lastMs`: as it stands in the table; null when it was never used. */
  note(id: Id, lastMs: number | null, atMs: number): void;
  /** Resolves when all that was noted so far is written. */
  written(): Promise<void>;
}

const stepMs = 60_000;

export function createLastUse<Id>(write: (id: Id, atMs: number) => Promise<unknown>): LastUse<Id> {
  const writing = new Map<Id, Promise<unknown>>();
  return {
    note(id, lastMs, atMs) {
      if (writing.has(id) || (lastMs !== null && atMs - lastMs < stepMs)) return;
      const written = write(id, atMs)
        // Away, or no room on its disk; whoever comes next tries again.
        .catch(() => {})
        .finally(() => writing.delete(id));
      writing.set(id, written);
    },
    async written() {
      await Promise.all(writing.values());
    },
  };
}
