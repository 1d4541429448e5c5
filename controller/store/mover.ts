/**
 * Changes of state, the same for everything that lives and ends: only legal ones, those of one thing one after the
 * other, each in its timeline with its time and reason.
 */

import { isFinal, mayMove, PolydevError, type Reason } from '@polydev/protocol';
import { and, eq, inArray, notInArray, type SQL } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import { createTurns } from '../turns.ts';
import type { Database, Store } from './database.ts';
import type { EventLog, EventOf, StreamId } from './events.ts';

type LivingTable = PgTable & Record<'id' | 'state' | 'reason' | 'endedAtMs' | 'controller', PgColumn>;

/** What whoever works on a thing meets when it has ended meanwhile, or another controller works on it. */
export const notOurs = new PolydevError('session_over', 'It has ended, or another controller works on it.');

/** For whoever works on it: throws `notOurs` in the place of null. */
export function stillOurs<Row>(row: Row | null): Row {
  if (row === null) throw notOurs;
  return row;
}

export interface MoveOptions<Row> {
  reason?: Reason;
  /** Only while this controller works on it. */
  ours?: boolean;
  /** What else changes in the row. */
  set?: Partial<Row>;
  /** Done in the same transaction, so that both happen or neither; answers what else changes in the row. */
  also?: (tx: Database) => Promise<Partial<Row>>;
}

export interface Mover<Row extends Living> {
  /** Null, and no effect, when the thing has ended, or is not ours. Throws `internal` for a move that the table does not have. */
  move(id: Row['id'], to: Row['state'], options?: MoveOptions<Row>): Promise<Row | null>;
  /** Null, and no effect, when the thing has ended. */
  change(id: Row['id'], set: { [K in keyof Row]?: Row[K] | SQL }): Promise<Row | null>;
  find(id: Row['id']): Promise<Row | null>;
  readonly finalStates: Row['state'][];
}

interface Living {
  id: StreamId;
  state: string;
  controller: string;
}

export interface MoverDeps<Row extends { state: string }> extends Store {
  table: LivingTable;
  moves: Readonly<Record<Row['state'], readonly string[]>>;
  events: EventLog;
  controller: string;
  now: () => number;
  /** Told of each row that has moved. */
  moved?: (row: Row) => void;
}

export function createMover<Row extends Living>(deps: MoverDeps<Row>): Mover<Row> {
  const { db, patience, table, moves, events, controller, now } = deps;
  const tell = deps.moved ?? (() => {});
  const inTurn = createTurns<Row['id']>();
  const states = Object.keys(moves) as Row['state'][];
  const finalStates = states.filter((state) => isFinal(moves, state));
  // The table's own types are lost on the way through LivingTable; Row brings them back.
  const rowsOf = (found: unknown) => found as Row[];

  async function find(id: Row['id']): Promise<Row | null> {
    const [row] = rowsOf(await patience.insist(() => db.select().from(table).where(eq(table.id, id))));
    return row ?? null;
  }

  async function update(tx: Database, id: Row['id'], set: Pick<Row, 'state'>, ours: boolean): Promise<Row | undefined> {
    const sources = states.filter((from) => mayMove(moves, from, set.state));
    const mayGo = and(
      ...[eq(table.id, id), inArray(table.state, sources)],
      ours ? eq(table.controller, controller) : undefined,
    );
    const [row] = rowsOf(
      await tx
        .update(table)
        .set(set as never)
        .where(mayGo)
        .returning(),
    );
    return row;
  }

  return {
    find,
    finalStates,

    move: (id, to, { reason, set, also, ours = false } = {}) =>
      inTurn(id, async () => {
        const endedAtMs = isFinal(moves, to) ? now() : null;
        const columns = { ...set, state: to, endedAtMs, ...(reason && { reason }) };
        const work = async (tx: Database) => {
          const row = await update(tx, id, columns, ours);
          if (!row || !also) return row ?? null;
          const more = await also(tx);
          await tx
            .update(table)
            .set(more as never)
            .where(eq(table.id, id));
          return { ...row, ...more };
        };
        // By the time of its end one knows one's own: another may have ended it the same way.
        const isDone = and(
          ...[eq(table.id, id), eq(table.state, to)],
          endedAtMs === null ? undefined : eq(table.endedAtMs, endedAtMs),
        );
        const done = async () => rowsOf(await db.select().from(table).where(isDone))[0] ?? null;
        const event = { type: 'state', state: to, reason: reason ?? null } as EventOf<Row['id']>;
        const moved = await events.appendWith(id, event, { work, done });
        if (!moved) {
          const present = await find(id);
          if (!present || isFinal(moves, present.state) || (ours && present.controller !== controller)) return null;
          throw new PolydevError('internal', `${id} cannot go from ${present.state} to ${to}.`);
        }
        tell(moved);
        return moved;
      }),

    change: (id, set) =>
      inTurn(id, async () => {
        const isUnfinished = and(eq(table.id, id), notInArray(table.state, finalStates));
        const update = () =>
          db
            .update(table)
            .set(set as never)
            .where(isUnfinished)
            .returning();
        const [row] = rowsOf(await patience.insist(update));
        return row ?? null;
      }),
  };
}
