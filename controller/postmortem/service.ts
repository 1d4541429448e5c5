/** What is known of sandboxes, as the API knows it: of those that are there, and of those that ended badly. */

import {
  type LogEntry,
  PolydevError,
  type RunId,
  type SandboxLogs,
  type SandboxMove,
  type SandboxOrOwnerId,
  type SessionId,
  type User,
  type UserId,
} from '@polydev/protocol';
import { asc, inArray, sql } from 'drizzle-orm';
import type { Database } from '../store/database.ts';
import { events } from '../store/schema.ts';
import type { KeptLogs } from './kept-logs.ts';
import type { Witness } from './witness.ts';

export interface LogsService {
  logs(user: User, id: SandboxOrOwnerId): Promise<SandboxLogs>;
  /** PNG, for the person who signed in alone. */
  screenshot(user: User, id: SandboxOrOwnerId): Promise<Buffer>;
  /** Of the machine of a sign-in or run; empty when there is none. */
  consoleOf(owner: SessionId | RunId): Promise<string>;
}

export function createLogsService({
  db,
  witness,
  kept,
}: {
  db: Database;
  witness: Witness;
  kept: KeptLogs;
}): LogsService {
  /** The sandbox as it is, or as it was. */
  async function find(id: SandboxOrOwnerId, wantsPicture: boolean): Promise<Found | null> {
    const seen = await witness.see(id, wantsPicture);
    if (seen) {
      const { facts, ...rest } = seen;
      return { ...facts, ...rest, endedAtMs: null, reason: null };
    }
    const log = await kept.find(id);
    return log && { ...log, id: log.sandboxId, owner: log.sessionId ?? log.runId };
  }

  async function findFor(user: User, id: SandboxOrOwnerId, wantsPicture = false): Promise<Found> {
    const found = await find(id, wantsPicture);
    if (!found || (found.userId !== user.id && user.role !== 'owner')) throw notFound();
    return found;
  }

  async function timelineOf({ moves, sessionId, runId }: Found): Promise<LogEntry[]> {
    const streams = [sessionId, runId].filter((id) => id !== null);
    const rows = await db
      .select()
      .from(events)
      // Not what a tool said: that is the run's.
      .where(sql`${inArray(events.stream, streams)} and ${events.event} ->> 'type' <> 'event'`)
      .orderBy(asc(events.seq));
    const entries: LogEntry[] = moves.map((move: SandboxMove) => ({ of: 'sandbox', ...move }));
    for (const { atMs, event } of rows) {
      if (sessionId) entries.push({ atMs, of: 'session', event } as LogEntry);
      else if (event.type === 'state')
        entries.push({ atMs, of: 'run', state: event.state, reason: event.reason } as LogEntry);
    }
    return entries.sort((a, b) => a.atMs - b.atMs);
  }

  return {
    async logs(user, id) {
      const found = await findFor(user, id);
      const { profile, provider, image, createdAtMs, endedAtMs, reason, console, journal } = found;
      const hasPicture = endedAtMs === null ? profile === 'desktop' : found.picture !== null;
      return {
        ...{ id: found.id, owner: found.owner, profile, provider, image, createdAtMs, endedAtMs, reason },
        timeline: await timelineOf(found),
        ...{ console, journal, picture: hasPicture && found.userId === user.id },
      };
    },

    async screenshot(user, id) {
      const { picture, userId } = await findFor(user, id, true);
      if (!picture || userId !== user.id) throw new PolydevError('not_found', 'There is no picture of this sandbox.');
      return picture;
    },

    consoleOf: async (owner) => (await find(owner, false))?.console ?? '',
  };
}

interface Found extends Omit<SandboxLogs, 'timeline' | 'picture'> {
  userId: UserId | null;
  sessionId: SessionId | null;
  runId: RunId | null;
  moves: SandboxMove[];
  picture: Buffer | null;
}

function notFound(): PolydevError {
  return new PolydevError('not_found', 'There is no such sandbox, and nothing is kept of one.');
}
