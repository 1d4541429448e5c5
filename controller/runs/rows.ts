/** The table of runs. Every change of state goes through `move`. */

import {
  type ControllerId,
  type CredentialId,
  type ListRuns,
  limits,
  type Run,
  type RunId,
  runMoves,
  type UserId,
} from '@polydev/protocol';
import { providers } from '@polydev/providers';
import { and, desc, eq, getTableColumns, ilike, inArray, ne, notInArray, or, sql } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import type { Store } from '../store/database.ts';
import type { EventLog } from '../store/events.ts';
import type { ListChanges } from '../store/list-changes.ts';
import { createMover, type Mover } from '../store/mover.ts';
import { olderThan } from '../store/paging.ts';
import { orUndo } from '../store/patience.ts';
import { runs } from '../store/schema.ts';
import { storableText } from '../store/storable.ts';

export type RunRow = typeof runs.$inferSelect;
/** Without what may be large, and is read when it is needed: many runs wait in memory. */
export type RunHead = Omit<RunRow, 'prompt' | 'answer'>;
export type NewRun = Pick<RunRow, 'id' | 'userId' | 'provider' | 'credentialId' | 'prompt' | 'model' | 'deadlineMs'>;
/** What may change beside the state. */
export type RunChange = Partial<Pick<RunRow, 'sandboxId' | 'answer' | 'usage' | 'startedAtMs' | 'firstTextAtMs'>>;

export type SeenRun = Pick<RunRow, 'id' | 'controller' | 'state'>;

const { prompt: _prompt, answer: _answer, ...headColumns } = getTableColumns(runs);
const beginning = (column: PgColumn) => sql<string>`left(${column}, ${limits.listedTextChars})`;
/** Of many runs, each may have a prompt of a megabyte and an answer of fifty. */
const listColumns = { ...getTableColumns(runs), prompt: beginning(runs.prompt), answer: beginning(runs.answer) };

export interface RunRows extends Pick<Mover<RunRow>, 'move' | 'find'> {
  insert(run: NewRun): Promise<RunRow>;
  findHead(id: RunId): Promise<RunHead | null>;
  /** Newest first. */
  list(userId: UserId, query: ListRuns): Promise<RunRow[]>;
  /** Whoever works on them. */
  unfinished(): Promise<RunHead[]>;
  /** Those on which another controller works, or nobody; in the order of asking. */
  unfinishedElsewhere(): Promise<SeenRun[]>;
  /** Another controller runs, or has left for its next start, something with this credential. */
  usedElsewhere(id: CredentialId): Promise<boolean>;
  /** Gives up a run that waits, so that whoever is first takes it. */
  free(id: RunId): Promise<void>;
  /** As it was seen. Of several controllers one gets it: null for the others. */
  claim(seen: SeenRun): Promise<RunHead | null>;
  /** It has not ended, and this controller works on it. */
  isOurs(id: RunId): Promise<boolean>;
  /** No effect when the run has ended. */
  change(id: RunId, set: RunChange): Promise<void>;
  remove(id: RunId): Promise<void>;
}

export function createRunRows(
  store: Store,
  events: EventLog,
  controller: ControllerId,
  now: () => number = Date.now,
  lists?: Pick<ListChanges, 'tell'>,
): RunRows {
  const { db, patience } = store;
  const tell = ({ userId }: Pick<RunRow, 'userId'>) => lists?.tell(userId, 'runs');
  const mover = createMover<RunRow>({ ...store, table: runs, moves: runMoves, events, controller, now, moved: tell });
  const { move, find, finalStates } = mover;
  const isUnfinished = notInArray(runs.state, finalStates);

  /** What it said goes first: without its row nobody would find it again. */
  async function remove(id: RunId): Promise<void> {
    await events.remove(id);
    const gone = await patience.insist(() => db.delete(runs).where(eq(runs.id, id)).returning({ userId: runs.userId }));
    await events.remove(id); // What whoever works on it has just added.
    gone.forEach(tell);
  }

  return {
    move,
    find,

    async findHead(id) {
      const select = () => db.select(headColumns).from(runs).where(eq(runs.id, id));
      const [row] = await patience.insist(async () => await select());
      return row ?? null;
    },

    async insert(run) {
      const insert = async () => {
        const values = { ...run, controller, state: 'queued', createdAtMs: now() } as const;
        const opening = events.opening(run.id, { type: 'state', state: 'queued', reason: null });
        return await db.with(opening).insert(runs).values(values).returning();
      };
      const [row] = await orUndo(patience, insert, () => remove(run.id));
      if (!row) throw new Error('An insert answered no row.');
      tell(row);
      return row;
    },

    async list(userId, { provider, credentialId, state, search, before, limit = limits.pageDefault }) {
      const last = before === undefined ? null : await find(before);
      return await db
        .select(listColumns)
        .from(runs)
        .where(
          and(
            eq(runs.userId, userId),
            provider && eq(runs.provider, provider),
            credentialId && eq(runs.credentialId, credentialId),
            state === 'active' ? isUnfinished : state && eq(runs.state, state),
            ...wordsOf(search).map(mentions),
            last ? olderThan(runs, last) : undefined,
          ),
        )
        .orderBy(desc(runs.createdAtMs), desc(runs.id))
        .limit(limit);
    },

    unfinished: () => db.select(headColumns).from(runs).where(isUnfinished),

    unfinishedElsewhere: () =>
      db
        .select({ id: runs.id, controller: runs.controller, state: runs.state })
        .from(runs)
        .where(and(isUnfinished, ne(runs.controller, controller)))
        .orderBy(runs.createdAtMs),

    async usedElsewhere(credentialId) {
      const found = await db
        .select({ id: runs.id })
        .from(runs)
        .where(and(eq(runs.credentialId, credentialId), eq(runs.state, 'running'), ne(runs.controller, controller)))
        .limit(1);
      return found.length > 0;
    },

    async free(id) {
      const ours = and(eq(runs.id, id), eq(runs.controller, controller), eq(runs.state, 'queued'));
      await patience.insist(() => db.update(runs).set({ controller: '' }).where(ours));
    },

    async claim({ id, controller: from, state }) {
      const seen = (who: string) => and(eq(runs.id, id), eq(runs.controller, who), eq(runs.state, state));
      const claim = (who: string) => db.update(runs).set({ controller }).where(seen(who)).returning(headColumns);
      // What was done, with only its answer lost, is done again.
      const [row] = await patience.insist(async (again) => {
        const claimed = await claim(from);
        return again && claimed.length === 0 ? await claim(controller) : claimed;
      });
      return row ?? null;
    },

    async isOurs(id) {
      const row = await find(id);
      return row !== null && row.controller === controller && !finalStates.includes(row.state);
    },

    async change(id, set) {
      const isUnfinished = and(eq(runs.id, id), notInArray(runs.state, finalStates));
      await patience.insist(() => db.update(runs).set(set).where(isUnfinished));
    },

    remove,
  };
}

export function headOf({ prompt: _prompt, answer: _answer, ...head }: RunRow): RunHead {
  return head;
}

const wordsOf = (search = '') => search.split(/\s+/).filter(Boolean);

/** In the prompt, in the answer, or in the name of who answered. */
function mentions(word: string) {
  const pattern = `%${literal(word)}%`;
  const named = Object.values(providers).filter(({ info }) => info.name.toLowerCase().includes(word.toLowerCase()));
  return or(
    ...[runs.prompt, runs.answer, runs.model].map((column) => ilike(column, pattern)),
    inArray(
      runs.provider,
      named.map(({ info }) => info.id),
    ),
  );
}

/** For a LIKE pattern: finds itself. */
function literal(text: string): string {
  return storableText(text).replace(/[\\%_]/g, '\\$&');
}

export function shownRun(row: RunRow): Run {
  const { userId: _user, sandboxId: _sandbox, deadlineMs: _deadline, controller: _controller, ...run } = row;
  return run;
}
