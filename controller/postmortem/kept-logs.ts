/** The table of what is known of sandboxes that ended badly, bounded by count, by size and by age. */

import { limits, type Reason, type SandboxId, type SandboxOrOwnerId } from '@polydev/protocol';
import { eq, lt, or, sql } from 'drizzle-orm';
import type { Store } from '../store/database.ts';
import { sandboxLogs } from '../store/schema.ts';
import { storableText } from '../store/storable.ts';

export type KeptLog = typeof sandboxLogs.$inferSelect;
export type NewLog = Omit<KeptLog, 'bytes' | 'endedAtMs'>;

/** But for `find`, all wait for a database that is away. */
export interface KeptLogs {
  /** One for each sandbox: the first stays. */
  insert(log: NewLog): Promise<void>;
  find(id: SandboxOrOwnerId): Promise<KeptLog | null>;
  /** It is better known now why it ended. */
  explain(id: SandboxOrOwnerId, reason: Reason): Promise<void>;
  remove(id: SandboxOrOwnerId): Promise<void>;
  /** Forgets what is too old or too much. */
  sweep(): Promise<void>;
}

export interface Bounds {
  count: number;
  bytes: number;
  ageMs: number;
}

const defaultBounds: Bounds = { count: limits.keptLogs, bytes: limits.keptLogsBytes, ageMs: limits.keptLogsMs };

export function createKeptLogs(
  { db, patience }: Store,
  now: () => number = Date.now,
  { count, bytes, ageMs }: Bounds = defaultBounds,
): KeptLogs {
  const by = (id: SandboxOrOwnerId) =>
    or(
      eq(sandboxLogs.sandboxId, id as SandboxId),
      sql`${sandboxLogs.sessionId} = ${id}`,
      sql`${sandboxLogs.runId} = ${id}`,
    );

  async function sweep(): Promise<void> {
    await patience.insist(() => db.delete(sandboxLogs).where(lt(sandboxLogs.endedAtMs, now() - ageMs)));
    await patience.insist(() =>
      db.execute(sql`
      delete from sandbox_logs where sandbox_id in (
        select sandbox_id from (
          select sandbox_id, row_number() over newest as place, sum(bytes) over newest as so_far
          from sandbox_logs window newest as (order by ended_at_ms desc, sandbox_id desc)
        ) as counted where place > ${count} or so_far > ${bytes})`),
    );
  }

  return {
    async insert(log) {
      const texts = { console: storableText(log.console), journal: storableText(log.journal) };
      const size = Buffer.byteLength(texts.console) + Buffer.byteLength(texts.journal) + (log.picture?.length ?? 0);
      const row = { ...log, ...texts, endedAtMs: now(), bytes: size };
      await patience.insist(() => db.insert(sandboxLogs).values(row).onConflictDoNothing());
      await sweep();
    },

    async find(id) {
      const [row] = await db.select().from(sandboxLogs).where(by(id));
      return row && row.endedAtMs >= now() - ageMs ? row : null;
    },

    async explain(id, reason) {
      await patience.insist(() => db.update(sandboxLogs).set({ reason }).where(by(id)));
    },

    async remove(id) {
      await patience.insist(() => db.delete(sandboxLogs).where(by(id)));
    },

    sweep,
  };
}
