/** The table of sandboxes: what was asked for and has not been seen gone. */

import { mayMove, type Sandbox, type SandboxId, type SandboxState, sandboxMoves } from '@polydev/protocol';
import { and, desc, eq, inArray } from 'drizzle-orm';
import type { Store } from '../store/database.ts';
import { sandboxes } from '../store/schema.ts';

export interface SandboxRows {
  insert(sandbox: Sandbox): Promise<void>;
  /** Without effect where the table of moves has no such move. */
  move(id: SandboxId, to: SandboxState): Promise<void>;
  /** It is gone. */
  remove(id: SandboxId): Promise<void>;
  /** Newest first. */
  list(): Promise<Sandbox[]>;
}

export function createSandboxRows({ db, patience }: Store): SandboxRows {
  return {
    async insert(sandbox) {
      await patience.insist(() => db.insert(sandboxes).values(sandbox).onConflictDoNothing());
    },
    async move(id, to) {
      const sources = (Object.keys(sandboxMoves) as SandboxState[]).filter((from) => mayMove(sandboxMoves, from, to));
      const mayGo = and(eq(sandboxes.id, id), inArray(sandboxes.state, sources));
      await patience.insist(() => db.update(sandboxes).set({ state: to }).where(mayGo));
    },
    async remove(id) {
      await patience.insist(() => db.delete(sandboxes).where(eq(sandboxes.id, id)));
    },
    list: () => db.select().from(sandboxes).orderBy(desc(sandboxes.createdAtMs)),
  };
}
