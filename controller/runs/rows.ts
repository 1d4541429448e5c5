/** The table of runs. Every change of state goes through `move`. */

import {
  isFinal,
  type ListRuns,
  limits,
  mayMove,
  PolydevError,
  type Reason,
  type Run,
  type RunId,
  type RunState,
  runMoves,
  type UserId,
} from '@polydev/protocol';
import { and, desc, eq, ilike, inArray, notInArray } from 'drizzle-orm';
import type { Database, Store } from '../store/database.ts';
import type { EventLog } from '../store/events.ts';
import { olderThan } from '../store/paging.ts';
import { orUndo } from '../store/patience.ts';
import { runs } from '../store/schema.ts';
import { storableText } from '../store/storable.ts';
import { createTurns } from '../turns.ts';

export type RunRow = typeof runs.$inferSelect;
export type NewRun = Pick<RunRow, 'id' | 'userId' | 'provider' | 'credentialId' | 'prompt' | 'model' | 'deadlineMs'>;
/** What may change beside the state. */
export type RunChange = Partial<Pick<RunRow, 'sandboxId' | 'answer' | 'usage' | 'startedAtMs' | 'firstTextAtMs'>>;

export interface RunRows {
  insert(run: NewRun): Promise<RunRow>;
  find(id: RunId): Promise<RunRow | null>;
  /** Newest first. */
  list(userId: UserId, query: ListRuns): Promise<RunRow[]>;
  unfinished(): Promise<RunRow[]>;
  /** Null, and no effect, when the run has ended. */
  move(id: RunId, to: RunState, options?: { reason?: Reason; set?: RunChange }): Promise<RunRow | null>;
  /** No effect when the run has ended. */
  change(id: RunId, set: RunChange): Promise<void>;
  remove(id: RunId): Promise<void>;
}

const states = Object.keys(runMoves) as RunState[];
const finalStates = states.filter((state) => isFinal(runMoves, state));

export function createRunRows({ db, patience }: Store, events: EventLog, now: () => number = Date.now): RunRows {
  const inTurn = createTurns<RunId>();

  async function find(id: RunId): Promise<RunRow | null> {
    const [row] = await patience.insist(() => db.select().from(runs).where(eq(runs.id, id)));
    return row ?? null;
  }

  async function remove(id: RunId): Promise<void> {
    await patience.insist(() => db.delete(runs).where(eq(runs.id, id)));
    await events.remove(id);
  }

  return {
    async insert(run) {
      const insert = async (tx: Database) => {
        const [row] = await tx
          .insert(runs)
          .values({ ...run, state: 'queued', createdAtMs: now() })
          .returning();
        if (!row) throw new Error('An insert answered no row.');
        await events.open(tx, run.id, { type: 'state', state: 'queued', reason: null });
        return row;
      };
      return await orUndo(
        patience,
        () => db.transaction(insert),
        () => remove(run.id),
      );
    },

    find,

    async list(userId, { provider, credentialId, state, search, before, limit = limits.pageDefault }) {
      const last = before === undefined ? null : await find(before);
      return await db
        .select()
        .from(runs)
        .where(
          and(
            eq(runs.userId, userId),
            provider && eq(runs.provider, provider),
            credentialId && eq(runs.credentialId, credentialId),
            state === 'active' ? notInArray(runs.state, finalStates) : state && eq(runs.state, state),
            search === undefined ? undefined : ilike(runs.prompt, `%${literal(search)}%`),
            last ? olderThan(runs, last) : undefined,
          ),
        )
        .orderBy(desc(runs.createdAtMs), desc(runs.id))
        .limit(limit);
    },

    unfinished: () => db.select().from(runs).where(notInArray(runs.state, finalStates)),

    move: (id, to, { reason, set } = {}) =>
      inTurn(id, async () => {
        const sources = states.filter((from) => mayMove(runMoves, from, to));
        const endedAtMs = isFinal(runMoves, to) ? now() : null;
        const move = { ...set, state: to, endedAtMs, ...(reason && { reason }) };
        const mayGo = and(eq(runs.id, id), inArray(runs.state, sources));
        const done = and(
          ...[eq(runs.id, id), eq(runs.state, to)],
          endedAtMs === null ? undefined : eq(runs.endedAtMs, endedAtMs),
        );
        const [row] = await patience.insist(async (again) => {
          const found = again ? await db.select().from(runs).where(done) : [];
          return found.length > 0 ? found : await db.update(runs).set(move).where(mayGo).returning();
        });
        if (!row) {
          const present = await find(id);
          if (!present || isFinal(runMoves, present.state)) return null;
          throw new PolydevError('internal', `A run cannot go from ${present.state} to ${to}.`);
        }
        await events.append(id, { type: 'state', state: to, reason: reason ?? null });
        return row;
      }),

    async change(id, set) {
      const isUnfinished = and(eq(runs.id, id), notInArray(runs.state, finalStates));
      await patience.insist(() => db.update(runs).set(set).where(isUnfinished));
    },

    remove,
  };
}

/** For a LIKE pattern: finds itself. */
function literal(text: string): string {
  return storableText(text).replace(/[\\%_]/g, '\\$&');
}

export function shownRun(row: RunRow): Run {
  const { userId: _user, sandboxId: _sandbox, deadlineMs: _deadline, ...run } = row;
  return run;
}
