/** Timelines of sessions, runs and sandboxes: numbered from 1 without gaps, kept, and followed live. */

import type {
  RunId,
  RunStreamEvent,
  SandboxEvent,
  SandboxId,
  SequencedEvent,
  SessionEvent,
  SessionId,
} from '@polydev/protocol';
import { and, asc, eq, gt, max, sql, type WithSubquery } from 'drizzle-orm';
import type { Database, Store } from './database.ts';
import type { EphemeralStore } from './ephemeral.ts';
import { events } from './schema.ts';
import { isUniqueViolation } from './unique-violation.ts';

export type StreamId = SessionId | RunId | SandboxId;
export type EventOf<S extends StreamId> = S extends SessionId
  ? SessionEvent
  : S extends RunId
    ? RunStreamEvent
    : SandboxEvent;

export interface EventLog {
  /** Calls for one stream are numbered in the order of the calls. */
  append<S extends StreamId>(stream: S, event: EventOf<S>): Promise<SequencedEvent<EventOf<S>>>;
  /**
   * Appends in the transaction that does what the event says, so that both are there or neither. `work` may be tried
   * again, and answers null when nothing is to happen. `done` finds what was done although the answer got lost.
   */
  appendWith<S extends StreamId, T>(stream: S, event: EventOf<S>, deed: Deed<T>): Promise<T | null>;
  /**
   * The first event of a new stream, for `db.with` of the one statement that makes what it is about: each statement is a
   * way to the database and back. No effect where the stream is there, as after a first try whose answer got lost.
   */
  opening<S extends StreamId>(stream: S, event: EventOf<S>): WithSubquery;
  read<S extends StreamId>(stream: S, afterSeq: number): Promise<SequencedEvent<EventOf<S>>[]>;
  /** History, then live: no gap, no duplicate. Ends only with the signal or with its reader. */
  follow<S extends StreamId>(
    stream: S,
    afterSeq: number,
    signal: AbortSignal,
  ): AsyncGenerator<SequencedEvent<EventOf<S>>, void, undefined>;
  remove(stream: StreamId): Promise<void>;
}

export interface Deed<T> {
  work: (tx: Database) => Promise<T | null>;
  done: () => Promise<T | null>;
}

/** A follower looks by itself this often, should a wake-up get lost. */
const lookAnywayMs = 5000;
/** Rows read at once. */
const batchSize = 500;
/** Each loser of a race between controllers tries again; this many in a row means that something is wrong. */
const maxAttempts = 50;
const rememberedStreams = 1000;

export function createEventLog(
  { db, patience }: Store,
  ephemeral: EphemeralStore,
  now: () => number = Date.now,
): EventLog {
  /** The last append of each stream that is under way here: keeps the order of the calls. */
  const tails = new Map<StreamId, Promise<unknown>>();
  /** Newest numbers that were given here; another controller may have given others since. */
  const newest = new Map<StreamId, number>();
  const channelOf = (stream: StreamId) => `events:${stream}`;

  function remember(stream: StreamId, seq: number): void {
    newest.delete(stream);
    newest.set(stream, seq);
    const [oldest] = newest.keys();
    if (oldest && newest.size > rememberedStreams) newest.delete(oldest);
  }

  async function findNewest(stream: StreamId): Promise<number> {
    const query = () =>
      db
        .select({ seq: max(events.seq) })
        .from(events)
        .where(eq(events.stream, stream));
    const [row] = await patience.insist(query);
    return row?.seq ?? 0;
  }

  /** The number is chosen here, so that an insert whose answer gets lost cannot be there twice, however late it is done. */
  async function insert<S extends StreamId>(stream: S, event: EventOf<S>): Promise<SequencedEvent<EventOf<S>>> {
    const atMs = now();
    let last = newest.get(stream) ?? (await findNewest(stream));
    for (let attempt = 1; ; attempt += 1) {
      const row = { stream, seq: last + 1, atMs, event };
      const done = await patience
        .insist(() => db.insert(events).values(row))
        .then(
          () => true,
          async (error) => {
            if (attempt >= maxAttempts || !isUniqueViolation(error)) throw error;
            return await isThere(row);
          },
        );
      if (done) {
        remember(stream, row.seq);
        return { seq: row.seq, atMs, event };
      }
      last = await findNewest(stream);
    }
  }

  async function isThere({ stream, seq, atMs, event }: typeof events.$inferInsert): Promise<boolean> {
    const isEvent = sql`${events.event} = ${JSON.stringify(event)}::jsonb`;
    const itself = and(eq(events.stream, stream), eq(events.seq, seq), eq(events.atMs, atMs), isEvent);
    const rows = await patience.insist(() => db.select({ seq: events.seq }).from(events).where(itself));
    return rows.length > 0;
  }

  async function insertWith<S extends StreamId, T>(stream: S, event: EventOf<S>, deed: Deed<T>): Promise<T | null> {
    const atMs = now();
    for (let attempt = 1; ; attempt += 1) {
      const seq = (newest.get(stream) ?? (await findNewest(stream))) + 1;
      // Until it is known that this attempt, and no other, took the number.
      newest.delete(stream);
      let [isFirst, isTaken] = [true, false];
      const transaction = async (tx: Database) => {
        isTaken = false;
        const result = await deed.work(tx);
        isTaken = result !== null;
        if (isTaken) await tx.insert(events).values({ stream, seq, atMs, event });
        return result;
      };
      try {
        const result = await patience.insist(async (again) => {
          isFirst = !again;
          return (again ? await deed.done() : null) ?? (await db.transaction(transaction));
        });
        if (isFirst) remember(stream, isTaken ? seq : seq - 1);
        return result;
      } catch (error) {
        if (attempt >= maxAttempts || !isTaken || !isUniqueViolation(error)) throw error;
      }
    }
  }

  /** After what was called for before, of the same stream. */
  function inOrder<T>(stream: StreamId, insert: () => Promise<T>): Promise<T> {
    const before = tails.get(stream)?.catch(() => {}) ?? Promise.resolve();
    const inserted = before.then(insert);
    tails.set(stream, inserted);
    return inserted
      .finally(() => {
        if (tails.get(stream) === inserted) tails.delete(stream);
      })
      .then((result) => {
        // Nobody waits for the wake-up, nor fails with it: followers look anyway.
        ephemeral.publish(channelOf(stream), '').catch(() => {});
        return result;
      });
  }

  async function readBatch<S extends StreamId>(stream: S, afterSeq: number, limit?: number) {
    const query = db
      .select({ seq: events.seq, atMs: events.atMs, event: events.event })
      .from(events)
      .where(and(eq(events.stream, stream), gt(events.seq, afterSeq)))
      .orderBy(asc(events.seq));
    const rows = await patience.insist(async () => await (limit === undefined ? query : query.limit(limit)));
    return rows as SequencedEvent<EventOf<S>>[];
  }

  return {
    append: (stream, event) => inOrder(stream, () => insert(stream, event)),
    appendWith: (stream, event, deed) => inOrder(stream, () => insertWith(stream, event, deed)),

    opening(stream, event) {
      const first = { stream, seq: 1, atMs: now(), event };
      remember(stream, first.seq);
      return db
        .$with('opening')
        .as(db.insert(events).values(first).onConflictDoNothing().returning({ seq: events.seq }));
    },

    read: (stream, afterSeq) => readBatch(stream, afterSeq),

    async *follow(stream, afterSeq, signal) {
      const bell = createBell(signal);
      const unsubscribe = await ephemeral.subscribe(channelOf(stream), bell.ring);
      let last = afterSeq;
      try {
        while (!signal.aborted) {
          const rung = bell.next(lookAnywayMs);
          const rows = await readBatch(stream, last, batchSize);
          for (const row of rows) {
            if (signal.aborted) return;
            yield row;
            last = row.seq;
          }
          if (rows.length < batchSize) await rung;
        }
      } finally {
        unsubscribe();
        bell.stop();
      }
    },

    async remove(stream) {
      newest.delete(stream);
      await patience.insist(() => db.delete(events).where(eq(events.stream, stream)));
    },
  };
}

/** Rings made before a wait begins are lost on purpose: take the wait first, then look, then await it. */
function createBell(signal: AbortSignal) {
  let wake = () => {};
  let timer: NodeJS.Timeout | undefined;
  const ring = () => wake();
  signal.addEventListener('abort', ring, { once: true });
  return {
    ring,
    next(timeoutMs: number): Promise<void> {
      clearTimeout(timer);
      return new Promise((resolve) => {
        wake = resolve;
        timer = setTimeout(resolve, timeoutMs);
        if (signal.aborted) resolve();
      });
    },
    stop() {
      clearTimeout(timer);
      signal.removeEventListener('abort', ring);
    },
  };
}
