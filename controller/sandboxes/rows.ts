/** The table of sandboxes: what was asked for and has not been seen gone. */

import { mayMove, type Sandbox, type SandboxId, type SandboxState, sandboxMoves } from '@polydev/protocol';
import { and, desc, eq, inArray } from 'drizzle-orm';
import type { Database } from '../store/database.ts';
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

export function createSandboxRows(db: Database): SandboxRows {
  return {
    async insert(sandbox) {
      await db.insert(sandboxes).values(sandbox);
    },
    async move(id, to) {
      const sources = (Object.keys(sandboxMoves) as SandboxState[]).filter((from) => mayMove(sandboxMoves, from, to));
      await db
        .update(sandboxes)
        .set({ state: to })
        .where(and(eq(sandboxes.id, id), inArray(sandboxes.state, sources)));
    },
    async remove(id) {
      await db.delete(sandboxes).where(eq(sandboxes.id, id));
    },
    list: () => db.select().from(sandboxes).orderBy(desc(sandboxes.createdAtMs)),
  };
}
