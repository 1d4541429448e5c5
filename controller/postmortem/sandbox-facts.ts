/** What the tables say of a sandbox that is there: what it is for, whose that is, and whether that has ended. */

import {
  type CredentialId,
  isFinal,
  type Profile,
  type ProviderId,
  type Reason,
  type RunId,
  runMoves,
  type SandboxId,
  type SandboxOrOwnerId,
  type SandboxState,
  type SessionId,
  sessionMoves,
  type UserId,
} from '@polydev/protocol';
import { and, eq, ne, or, sql } from 'drizzle-orm';
import type { Database } from '../store/database.ts';
import { authSessions, credentials, runs, sandboxes } from '../store/schema.ts';

export interface SandboxFacts {
  id: SandboxId;
  profile: Profile;
  state: SandboxState;
  owner: SessionId | RunId | CredentialId | null;
  sessionId: SessionId | null;
  runId: RunId | null;
  userId: UserId | null;
  provider: ProviderId | null;
  createdAtMs: number;
  /** How the sign-in or run ended; null while it has not, or when there is neither. */
  ended: { reason: Reason | null } | null;
}

export type FindFacts = (id: SandboxOrOwnerId) => Promise<SandboxFacts | null>;

export function createFindFacts(db: Database): FindFacts {
  return async (id) => {
    const [row] = await db
      .select({
        sandbox: sandboxes,
        session: { id: authSessions.id, state: authSessions.state, reason: authSessions.reason },
        run: { id: runs.id, state: runs.state, reason: runs.reason },
        userId: sql<UserId | null>`coalesce(${authSessions.userId}, ${runs.userId}, ${credentials.userId})`,
        provider: sql<ProviderId | null>`coalesce(${authSessions.provider}, ${runs.provider}, ${credentials.provider})`,
      })
      .from(sandboxes)
      .leftJoin(authSessions, sql`${authSessions.id} = ${sandboxes.owner}`)
      .leftJoin(runs, sql`${runs.id} = ${sandboxes.owner}`)
      .leftJoin(credentials, sql`${credentials.id} = ${sandboxes.owner}`)
      .where(and(ne(sandboxes.state, 'gone'), or(eq(sandboxes.id, id as SandboxId), sql`${sandboxes.owner} = ${id}`)));
    if (!row) return null;
    const { sandbox, session, run, userId, provider } = row;
    const ended = session ? isFinal(sessionMoves, session.state) : run ? isFinal(runMoves, run.state) : false;
    return {
      ...sandbox,
      sessionId: session?.id ?? null,
      runId: run?.id ?? null,
      userId,
      provider,
      ended: ended ? { reason: session?.reason ?? run?.reason ?? null } : null,
    };
  };
}
