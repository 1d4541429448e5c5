/** Sign-ins as the API knows them: who may start, see, extend and cancel one. */

import { isFinal, newId, PolydevError, type SessionId, sessionMoves, type User, type UserId } from '@polydev/protocol';
import { untilAborted } from '../abort.ts';
import { cleanLabel } from '../credentials/label.ts';
import { labelTaken, type Vault } from '../credentials/vault.ts';
import type { LogsService } from '../postmortem/service.ts';
import type { Sandboxes } from '../sandboxes/sandboxes.ts';
import type { AgentAccess, SessionService } from '../services.ts';
import type { EventLog } from '../store/events.ts';
import { readTimeline } from '../store/timeline.ts';
import { type SessionMachine, type SessionRow, shownSession } from './machine.ts';
import { over, type SessionWork } from './work.ts';

const never = new AbortController().signal;

export interface SessionServiceDeps {
  machine: SessionMachine;
  work: SessionWork;
  logs: Pick<LogsService, 'consoleOf'>;
  events: EventLog;
  vault: Pick<Vault, 'findPlaced'>;
  sandboxes: Pick<Sandboxes, 'access'>;
  userExists(id: UserId): Promise<boolean>;
  limits: { defaultMs: number; extendMs: number; hardMs: number };
  now: () => number;
}

export function createSessionService(deps: SessionServiceDeps): SessionService {
  const { machine, work, events, sandboxes, now } = deps;

  async function findFor(user: User, id: SessionId): Promise<SessionRow> {
    const row = await machine.find(id);
    if (!row || (row.userId !== user.id && user.role !== 'owner')) throw notFound();
    return row;
  }

  /** Of one that another controller works on. */
  async function displayElsewhere(id: SessionId, signal: AbortSignal): Promise<AgentAccess> {
    let row = await machine.find(id);
    const isComing = () => row !== null && row.sandboxId === null && !isFinal(sessionMoves, row.state);
    if (isComing())
      for await (const _ of events.follow(id, 0, signal)) {
        row = await machine.find(id);
        if (!isComing()) break;
      }
    const access = row?.sandboxId && !isFinal(sessionMoves, row.state) && (await sandboxes.access(row.sandboxId));
    if (!access) throw over();
    return access;
  }

  return {
    async start(user, { provider, userId = user.id, newAccount = false, ...request }, signal = never) {
      const label = cleanLabel(request.label);
      if (userId !== user.id) {
        if (user.role !== 'owner') throw new PolydevError('forbidden', 'Only an owner signs in for someone else.');
        if (!(await deps.userExists(userId))) throw new PolydevError('not_found', 'There is no such user.');
      }
      if (newAccount && (await deps.vault.findPlaced({ userId, provider, label }))) throw labelTaken(label);
      const createdAtMs = now();
      const session = await machine.insert({
        id: newId('session'),
        userId,
        provider,
        label,
        createdAtMs,
        expiresAtMs: createdAtMs + deps.limits.defaultMs,
        hardExpiresAtMs: createdAtMs + deps.limits.hardMs,
      });
      try {
        await untilAborted(work.begin(session), signal);
      } catch (error) {
        if (!signal.aborted) throw error;
        await work.cancel(session.id);
        throw new PolydevError('sign_in_cancelled', 'Who asked for the sign-in did not wait for it.');
      }
      return shownSession(session);
    },

    get: async (user, id) => shownSession(await findFor(user, id)),

    list: async (user, query = {}) => (await machine.list(user.id, query)).map(shownSession),

    async console(user, id) {
      await findFor(user, id);
      return await deps.logs.consoleOf(id);
    },

    async extend(user, id) {
      const { state, expiresAtMs } = await findFor(user, id);
      const extended = isFinal(sessionMoves, state) ? null : await work.extend(id, expiresAtMs + deps.limits.extendMs);
      if (!extended) throw over();
      work.active(id);
      return shownSession(extended);
    },

    async cancel(user, id) {
      await findFor(user, id);
      await work.cancel(id);
      return shownSession(await findFor(user, id));
    },

    async events(user, id, afterSeq, signal) {
      const { state } = await findFor(user, id);
      return readTimeline(events, id, afterSeq, signal, {
        isLast: (event) => event.type === 'destroyed',
        working: work.done(id),
        ended: isFinal(sessionMoves, state),
      });
    },

    active: work.active,

    display: async (id, signal) => await (work.display(id, signal) ?? displayElsewhere(id, signal)),
  };
}

function notFound(): PolydevError {
  return new PolydevError('not_found', 'There is no such sign-in.');
}
