/** The table of sign-ins. Every change of state goes through `move`, which obeys the table of legal moves. */

import {
  type AuthSession,
  isFinal,
  type ListSessions,
  limits,
  mayMove,
  PolydevError,
  type Reason,
  type SessionId,
  type SessionState,
  sessionMoves,
  type UserId,
} from '@polydev/protocol';
import { and, desc, eq, inArray, notInArray } from 'drizzle-orm';
import type { Database, Store } from '../store/database.ts';
import type { EventLog } from '../store/events.ts';
import { olderThan } from '../store/paging.ts';
import { orUndo } from '../store/patience.ts';
import { authSessions } from '../store/schema.ts';
import { createTurns } from '../turns.ts';

export interface MoveOptions {
  reason?: Reason;
  /** Done in the same transaction, so that both happen or neither; answers what else changes in the row. */
  also?: (tx: Database) => Promise<Pick<AuthSession, 'credentialId'>>;
}

export interface SessionMachine {
  insert(
    session: Omit<AuthSession, 'state' | 'endedAtMs' | 'reason' | 'sandboxId' | 'credentialId'>,
  ): Promise<AuthSession>;
  find(id: SessionId): Promise<AuthSession | null>;
  /** Newest first. */
  list(userId: UserId, query: ListSessions): Promise<AuthSession[]>;
  unfinished(): Promise<AuthSession[]>;
  /** Null, and no effect, when the session has ended. */
  move(id: SessionId, to: SessionState, options?: MoveOptions): Promise<AuthSession | null>;
  /** Null, and no effect, when the session has ended. */
  change(id: SessionId, set: Partial<Pick<AuthSession, 'sandboxId' | 'expiresAtMs'>>): Promise<AuthSession | null>;
}

const states = Object.keys(sessionMoves) as SessionState[];
const finalStates = states.filter((state) => isFinal(sessionMoves, state));

export function createSessionMachine(
  { db, patience }: Store,
  events: EventLog,
  now: () => number = Date.now,
): SessionMachine {
  const inTurn = createTurns<SessionId>();

  async function find(id: SessionId): Promise<AuthSession | null> {
    const [row] = await patience.insist(() => db.select().from(authSessions).where(eq(authSessions.id, id)));
    return row ?? null;
  }

  return {
    async insert(session) {
      const { id } = session;
      const insert = async (tx: Database) => {
        const [row] = await tx
          .insert(authSessions)
          .values({ ...session, state: 'pending' })
          .returning();
        if (!row) throw new Error('An insert answered no row.');
        await events.open(tx, id, { type: 'state', state: 'pending', reason: null });
        return row;
      };
      const undo = async () => {
        await db.delete(authSessions).where(eq(authSessions.id, id));
        await events.remove(id);
      };
      return await orUndo(patience, () => db.transaction(insert), undo);
    },

    find,

    async list(userId, { provider, state, before, limit = limits.pageDefault }) {
      const last = before === undefined ? null : await find(before);
      return await db
        .select()
        .from(authSessions)
        .where(
          and(
            eq(authSessions.userId, userId),
            provider && eq(authSessions.provider, provider),
            state === 'active' ? notInArray(authSessions.state, finalStates) : state && eq(authSessions.state, state),
            last ? olderThan(authSessions, last) : undefined,
          ),
        )
        .orderBy(desc(authSessions.createdAtMs), desc(authSessions.id))
        .limit(limit);
    },

    unfinished: () => db.select().from(authSessions).where(notInArray(authSessions.state, finalStates)),

    move: (id, to, { reason, also } = {}) =>
      inTurn(id, async () => {
        const sources = states.filter((from) => mayMove(sessionMoves, from, to));
        const endedAtMs = isFinal(sessionMoves, to) ? now() : null;
        const attempt = async (tx: Database) => {
          const [row] = await tx
            .update(authSessions)
            .set({ state: to, endedAtMs, ...(reason && { reason }) })
            .where(and(eq(authSessions.id, id), inArray(authSessions.state, sources)))
            .returning();
          if (!row || !also) return row;
          const set = await also(tx);
          await tx.update(authSessions).set(set).where(eq(authSessions.id, id));
          return { ...row, ...set };
        };
        const done = and(
          ...[eq(authSessions.id, id), eq(authSessions.state, to)],
          endedAtMs === null ? undefined : eq(authSessions.endedAtMs, endedAtMs),
        );
        const moved = await patience.insist(async (again) => {
          const [row] = again ? await db.select().from(authSessions).where(done) : [];
          return row ?? (await db.transaction(attempt));
        });
        if (!moved) {
          const present = await find(id);
          if (!present || isFinal(sessionMoves, present.state)) return null;
          throw new PolydevError('internal', `A sign-in cannot go from ${present.state} to ${to}.`);
        }
        await events.append(id, { type: 'state', state: to, reason: reason ?? null });
        return moved;
      }),

    change: (id, set) =>
      inTurn(id, async () => {
        const isUnfinished = and(eq(authSessions.id, id), notInArray(authSessions.state, finalStates));
        const [row] = await patience.insist(() => db.update(authSessions).set(set).where(isUnfinished).returning());
        return row ?? null;
      }),
  };
}
