/** The table of sandboxes. Every change of state goes through `move`. */

import { type CredentialId, mayMove, PolydevError, type Sandbox, sandboxMoves } from '@polydev/protocol';
import { and, desc, eq, inArray, lt, ne, notInArray } from 'drizzle-orm';
import { reasonOf } from '../reason.ts';
import type { Store } from '../store/database.ts';
import type { EventLog } from '../store/events.ts';
import { createMover, type Mover } from '../store/mover.ts';
import { events as eventTable, sandboxes } from '../store/schema.ts';

export type SandboxRow = typeof sandboxes.$inferSelect;
export type NewSandbox = Pick<SandboxRow, 'id' | 'profile' | 'owner' | 'userId' | 'provider' | 'keys'>;

/** Of those that are gone, this long. */
const keptMs = 7 * 24 * 60 * 60 * 1000;

export interface SandboxRows extends Pick<Mover<SandboxRow>, 'move' | 'change' | 'find'> {
  insert(sandbox: NewSandbox): Promise<void>;
  /** Those that are not gone, newest first. */
  present(): Promise<SandboxRow[]>;
  /** The same, of this controller alone. */
  own(): Promise<SandboxRow[]>;
  /** Controllers that have present ones. */
  controllers(): Promise<string[]>;
  /** Another controller has one with this credential, to test it. */
  testedElsewhere(id: CredentialId): Promise<boolean>;
  /** Those of a controller that is no more: on its host, out of reach. */
  forgetOf(controller: string): Promise<void>;
  /** Those that have been gone for long are forgotten, with their timelines. */
  prune(): Promise<void>;
}

export function createSandboxRows(
  store: Store,
  events: EventLog,
  { controller, host }: { controller: string; host: string },
  now = Date.now,
): SandboxRows {
  const { db, patience } = store;
  const { move, change, find } = createMover<SandboxRow>({
    ...{ ...store, table: sandboxes, moves: sandboxMoves, events, controller, now },
  });
  const isPresent = ne(sandboxes.state, 'gone');

  return {
    move,
    change,
    find,
    async insert(sandbox) {
      const row = { ...sandbox, controller, host, state: 'planned', createdAtMs: now() } as const;
      const opening = events.opening(sandbox.id, { type: 'state', state: 'planned', reason: null });
      await patience.insist(() => db.with(opening).insert(sandboxes).values(row).onConflictDoNothing());
    },
    present: () => db.select().from(sandboxes).where(isPresent).orderBy(desc(sandboxes.createdAtMs)),
    // Rows of before controllers had names belong to whoever finds them.
    own: () =>
      db
        .select()
        .from(sandboxes)
        .where(and(isPresent, inArray(sandboxes.controller, [controller, '']))),
    controllers: async () => {
      const found = await db.selectDistinct({ id: sandboxes.controller }).from(sandboxes).where(isPresent);
      return found.map(({ id }) => id);
    },
    async testedElsewhere(id) {
      const others = notInArray(sandboxes.controller, [controller, '']);
      const found = await db
        .select({ id: sandboxes.id })
        .from(sandboxes)
        .where(and(eq(sandboxes.owner, id), eq(sandboxes.state, 'claimed'), others))
        .limit(1);
      return found.length > 0;
    },
    async forgetOf(lost) {
      const left = await db
        .select({ id: sandboxes.id, state: sandboxes.state })
        .from(sandboxes)
        .where(and(isPresent, eq(sandboxes.controller, lost)));
      const reason = reasonOf(new PolydevError('controller_restarted', 'The Polydev that made it is no more.'));
      for (const { id, state } of left) {
        if (mayMove(sandboxMoves, state, 'stopping')) await move(id, 'stopping', { reason });
        await move(id, 'gone');
      }
    },
    async prune() {
      const isOld = and(eq(sandboxes.state, 'gone'), lt(sandboxes.endedAtMs, now() - keptMs));
      // First what happened to them: without their rows nobody would find it again.
      const old = db.select({ id: sandboxes.id }).from(sandboxes).where(isOld);
      await db.delete(eventTable).where(inArray(eventTable.stream, old));
      await db.delete(sandboxes).where(isOld);
    },
  };
}

export function shownSandbox(row: SandboxRow): Sandbox {
  const { id, profile, state, reason, owner, createdAtMs, endedAtMs } = row;
  return { id, profile, state, reason, owner, createdAtMs, endedAtMs };
}
