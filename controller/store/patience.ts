/**
 * A database that is away for a while stops nobody's work: what goes on behind the API waits until it is back, and
 * requests are told at once.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { PolydevError } from '@polydev/protocol';
import { hasErrorCode } from './error-code.ts';
import type { StoreWatch } from './watch.ts';

export interface Patience {
  /** Throws `unavailable` while the database is known to be away. */
  check(): void;
  /** The promise, or `unavailable` as soon as the database is known to be away: for who does not wait. */
  unlessAway<T>(promise: Promise<T>): Promise<T>;
  /**
   * Does the work, again and again while the database is away. It may have been done before, with only its answer lost:
   * then `again` is true.
   */
  insist<T>(work: (again: boolean) => Promise<T>): Promise<T>;
  /** Finds out whether it is there; resolves when it is, or nothing waits any more. */
  look(): Promise<void>;
  /** From now on nothing waits. */
  end(): void;
}

/** Of a database that is in this process. */
export const noPatience: Patience = {
  check() {},
  unlessAway: (promise) => promise,
  insist: (work) => work(false),
  look: async () => {},
  end() {},
};

const lookAgainMs = 250;
/** What is lost without a word, such as a cable, is found out within this. */
const heartbeatMs = 5_000;

/** `ask` rejects when there is no answer. */
export function createPatience(ask: () => Promise<void>, watch: StoreWatch): Patience {
  const ending = new AbortController();
  let looking: Promise<void> | undefined;
  let away = false;
  /** Tell those who do not wait. */
  const impatient = new Set<(error: unknown) => void>();

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
          for (const tell of impatient) tell(databaseAway(error));
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
    async unlessAway(promise) {
      const { promise: loss, reject } = Promise.withResolvers<never>();
      if (away) reject(databaseAway());
      impatient.add(reject);
      return await Promise.race([promise, loss]).finally(() => impatient.delete(reject));
    },
    async insist(work) {
      for (let again = false; ; again = true) {
        if (away) await looking;
        try {
          return await work(again);
        } catch (error) {
          if (!isDatabaseLoss(error) || ending.signal.aborted) throw error;
          await look();
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
 * it is undone when the database is back.
 */
export async function orUndo<T>(patience: Patience, work: () => Promise<T>, undo: () => Promise<unknown>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isDatabaseLoss(error)) patience.insist(undo).catch(() => {});
    throw error;
  }
}
