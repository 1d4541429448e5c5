/** A numbered log that outlives the connections that read it: events are kept encoded, one NDJSON line each. */

interface Numbered {
  n: number;
  atMs: number;
}

/** An event of the union E before it has its number and its time. */
export type Draft<E extends Numbered> = E extends unknown ? Omit<E, keyof Numbered> : never;

export interface LogEntry {
  n: number;
  line: Buffer;
}

export interface EventLog<E extends Numbered> {
  append(event: Draft<E>): void;
  /** Nothing follows. */
  end(): void;
  readonly ended: boolean;
  /** The first kept entry after number n. */
  next(n: number): LogEntry | undefined;
  /** Calls `changed` after every append and at the end; returns the way to stop that. */
  listen(changed: () => void): () => void;
  /** Memory that the kept entries hold. */
  readonly bytes: number;
}

/** What one entry costs in memory beside its text. */
const entryOverheadBytes = 128;

/** Above `keepBytes` the oldest entries are forgotten. */
export function createEventLog<E extends Numbered>(options: { keepBytes: number; now: () => number }): EventLog<E> {
  const entries: Buffer[] = [];
  const listeners = new Set<() => void>();
  let forgotten = 0;
  let bytes = 0;
  let ended = false;

  function tell(): void {
    for (const changed of [...listeners]) changed();
  }

  return {
    append(event) {
      if (ended) return;
      const n = forgotten + entries.length + 1;
      const line = Buffer.from(`${JSON.stringify({ n, atMs: options.now(), ...event })}\n`);
      entries.push(line);
      bytes += line.length + entryOverheadBytes;
      while (bytes > options.keepBytes && entries.length > 1) {
        bytes -= (entries.shift()?.length ?? 0) + entryOverheadBytes;
        forgotten += 1;
      }
      tell();
    },
    end() {
      ended = true;
      tell();
    },
    get ended() {
      return ended;
    },
    next(n) {
      const index = Math.max(0, n - forgotten);
      const line = entries[index];
      return line && { n: forgotten + index + 1, line };
    },
    listen(changed) {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
    get bytes() {
      return bytes;
    },
  };
}
