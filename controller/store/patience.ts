/**
 * A database that is away for a while, or has no room, stops nobody's work: what goes on behind the API waits until it
 * is back, and requests are told at once.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { PolydevError } from '@polydev/protocol';
import { diskFull, hasErrorCode } from './error-code.ts';
import type { StoreWatch } from './watch.ts';

export interface Patience {
  /** Throws `unavailable` while the database is known to be away. */
  check(): void;
  /**
   * The promise, or `unavailable` as soon as the database is known to be away, or `disk_full` as soon as something
   * that is to be written waits for room: for who does not wait.
   */
  unlessAway<T>(promise: Promise<T>, options: { writes: boolean }): Promise<T>;
  /**
   * Does the work, again and again while the database is away or its disk is full. It may have been done before, with
   * only its answer lost: then `again` is true.
   */
  insist<T>(work: (again: boolean) => Promise<T>): Promise<T>;
  /** Finds out whether it is there; resolves when it is, or nothing waits any more. */
  look(): Promise<void>;
  /** From now on nothing waits. */
  end(): void;
}

const lookAgainMs = 250;
/** Between two tries of each that waits for room. */
const roomAgainMs = 500;
/** What is lost without a word, such as a cable, is found out within this. */
const heartbeatMs = 5_000;

/** Of a database in this process, which can have no room but is never away. */
export function createEmbeddedPatience(): Patience {
  const ending = new AbortController();
  const room = createRoom(ending.signal);
  return {
    check() {},
    unlessAway: (promise, { writes }) => (writes ? room.unlessFull(promise) : promise),
    async insist(work) {
      for (let again = false; ; again = true) {
        try {
          return await work(again);
        } catch (error) {
          await room.orThrow(error);
        }
      }
    },
    look: async () => {},
    end: () => ending.abort(),
  };
}

/** `ask` rejects when there is no answer. */
export function createPatience(ask: () => Promise<void>, watch: StoreWatch): Patience {
  const ending = new AbortController();
  const room = createRoom(ending.signal);
  const impatient = createImpatient();
  let looking: Promise<void> | undefined;
  let away = false;

  async function lookUntilThere(): Promise<void> {
    while (!ending.signal.aborted) {
      try {
        await ask();
        if (away) watch.back();
        away = false;
        return;
      } catch (error) {
        if (!away) {
          away = true;
          watch.lost(error);
          impatient.tell(databaseAway(error));
        }
      }
      await sleep(lookAgainMs, undefined, { signal: ending.signal }).catch(() => {});
    }
  }

  function look(): Promise<void> {
    looking ??= lookUntilThere().finally(() => {
      looking = undefined;
    });
    return looking;
  }

  const heartbeat = setInterval(look, heartbeatMs).unref();

  return {
    check() {
      if (away) throw databaseAway();
    },
    async unlessAway(promise, { writes }) {
      const answer = writes ? room.unlessFull(promise) : promise;
      return await impatient.unlessTold(answer, away ? databaseAway() : undefined);
    },
    async insist(work) {
      for (let again = false; ; again = true) {
        if (away) await looking;
        try {
          return await work(again);
        } catch (error) {
          if (ending.signal.aborted || !isDatabaseLoss(error)) await room.orThrow(error);
          else await look();
        }
      }
    },
    look,
    end() {
      clearInterval(heartbeat);
      ending.abort();
    },
  };
}

/** Those who do not wait. */
function createImpatient() {
  const tellers = new Set<(error: PolydevError) => void>();
  return {
    tell(error: PolydevError) {
      for (const reject of tellers) reject(error);
    },
    async unlessTold<T>(promise: Promise<T>, already?: PolydevError): Promise<T> {
      const { promise: told, reject } = Promise.withResolvers<never>();
      if (already) reject(already);
      tellers.add(reject);
      return await Promise.race([promise, told]).finally(() => tellers.delete(reject));
    },
  };
}

/** Room on the disk, which nothing announces: each that wants it tries again. */
function createRoom(ending: AbortSignal) {
  const impatient = createImpatient();
  return {
    unlessFull: impatient.unlessTold,
    /** Resolves when it is time to try again; throws what is not for want of room. */
    async orThrow(error: unknown): Promise<void> {
      if (ending.aborted || !hasErrorCode(error, ...diskFull)) throw error;
      impatient.tell(noRoom(error));
      await sleep(roomAgainMs, undefined, { signal: ending }).catch(() => {});
    },
  };
}

export function noRoom(cause: unknown): PolydevError {
  return new PolydevError('disk_full', 'There is no room left for the database.', { cause });
}

export function databaseAway(cause?: unknown): PolydevError {
  return new PolydevError('unavailable', 'The database does not answer.', { cause, details: { retryAfterSeconds: 1 } });
}

/** Of connections: SQLSTATE, network, name resolution. */
const lossCodes = [
  ...['08000', '08001', '08003', '08004', '08006', '57P01', '57P02', '57P03'],
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOENT'],
  ...['ENOTFOUND', 'EAI_AGAIN'],
] as const;
/** What `pg` says without a code. */
const lossWords =
  /^(Connection terminated|Client (was closed|has encountered)|timeout (expired|exceeded)|Query read timeout)/;

/** True when the error says that the connection was not made, or broke. Whether the work was done is then unknown. */
export function isDatabaseLoss(error: unknown): boolean {
  if (hasErrorCode(error, ...lossCodes)) return true;
  for (let current = error; current instanceof Error; current = current.cause)
    if (lossWords.test(current.message)) return true;
  return false;
}

/**
 * For what somebody asks for who does not wait: it is there, or he hears that it is not. Where only the answer was lost
 * it is undone when the database is back; a server that takes it up later than that is not found out.
 */
export async function orUndo<T>(patience: Patience, work: () => Promise<T>, undo: () => Promise<unknown>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isDatabaseLoss(error)) patience.insist(undo).catch(() => {});
    throw error;
  }
}
