/** The table of sign-ins. Every change of state goes through `move`, which obeys the table of legal moves. */

import {
  type AuthSession,
  type ControllerId,
  type ListSessions,
  limits,
  sessionMoves,
  type UserId,
} from '@polydev/protocol';
import { and, desc, eq, inArray, notExists, notInArray, sql } from 'drizzle-orm';
import type { Store } from '../store/database.ts';
import type { EventLog } from '../store/events.ts';
import type { ListChanges } from '../store/list-changes.ts';
import { createMover, type Mover } from '../store/mover.ts';
import { olderThan } from '../store/paging.ts';
import { orUndo } from '../store/patience.ts';
import { authSessions, events as eventTable } from '../store/schema.ts';

export type SessionRow = typeof authSessions.$inferSelect;
export type NewSession = Pick<
  SessionRow,
  'id' | 'userId' | 'provider' | 'label' | 'createdAtMs' | 'expiresAtMs' | 'hardExpiresAtMs'
>;

export interface SessionMachine extends Pick<Mover<SessionRow>, 'move' | 'change' | 'find'> {
  insert(session: NewSession): Promise<SessionRow>;
  /** Never past the hard end, and never to an earlier one, whoever else extends it. Null when the session has ended. */
  extend(id: SessionRow['id'], atMs: number): Promise<SessionRow | null>;
  /** Newest first. */
  list(userId: UserId, query: ListSessions): Promise<SessionRow[]>;
  /** Whoever works on them. */
  unfinished(): Promise<SessionRow[]>;
  /** Own ones that ended just before this controller did: says of each that its desktop is gone, which nobody said. */
  close(): Promise<void>;
}

export function createSessionMachine(
  store: Store,
  events: EventLog,
  controller: ControllerId,
  now: () => number = Date.now,
  lists?: Pick<ListChanges, 'tell'>,
): SessionMachine {
  const { db, patience } = store;
  const tell = ({ userId, state }: Pick<SessionRow, 'userId' | 'state'>) => {
    lists?.tell(userId, 'sessions');
    if (state === 'connected') lists?.tell(userId, 'credentials');
  };
  const mover = createMover<SessionRow>({
    ...store,
    table: authSessions,
    moves: sessionMoves,
    events,
    controller,
    now,
    moved: tell,
  });
  const { move, change, find, finalStates } = mover;
  const isUnfinished = notInArray(authSessions.state, finalStates);

  return {
    move,
    change,
    find,

    async insert(session) {
      const { id } = session;
      const insert = async () =>
        await db
          .with(events.opening(id, { type: 'state', state: 'pending', reason: null }))
          .insert(authSessions)
          .values({ ...session, controller, state: 'pending' })
          .returning();
      const undo = async () => {
        await db.delete(authSessions).where(eq(authSessions.id, id));
        await events.remove(id);
      };
      const [row] = await orUndo(patience, insert, undo);
      if (!row) throw new Error('An insert answered no row.');
      tell(row);
      return row;
    },

    extend(id, atMs) {
      const { expiresAtMs, hardExpiresAtMs } = authSessions;
      return change(id, { expiresAtMs: sql`greatest(${expiresAtMs}, least(${atMs}::bigint, ${hardExpiresAtMs}))` });
    },

    async list(userId, { provider, state, before, limit = limits.pageDefault }) {
      const last = before === undefined ? null : await find(before);
      return await db
        .select()
        .from(authSessions)
        .where(
          and(
            eq(authSessions.userId, userId),
            provider && eq(authSessions.provider, provider),
            state === 'active' ? isUnfinished : state && eq(authSessions.state, state),
            last ? olderThan(authSessions, last) : undefined,
          ),
        )
        .orderBy(desc(authSessions.createdAtMs), desc(authSessions.id))
        .limit(limit);
    },

    unfinished: () => db.select().from(authSessions).where(isUnfinished),

    async close() {
      const isClosing = sql`${eventTable.event} ->> 'type' = 'destroyed'`;
      const ofIt = and(eq(eventTable.stream, authSessions.id), isClosing);
      const open = await db
        .select({ id: authSessions.id })
        .from(authSessions)
        .where(
          and(
            inArray(authSessions.controller, [controller, '']),
            inArray(authSessions.state, finalStates),
            notExists(db.select({ seq: eventTable.seq }).from(eventTable).where(ofIt)),
          ),
        );
      for (const { id } of open) await events.append(id, { type: 'destroyed' });
    },
  };
}

export function shownSession(row: SessionRow): AuthSession {
  const { captureId: _capture, agentEvents: _events, controller: _controller, ...session } = row;
  return session;
}
