/** Runs as the API knows them: who may start, see, cancel and forget one. */

import {
  isFinal,
  newId,
  PolydevError,
  type ProviderId,
  type RunId,
  runMoves,
  type User,
  type UserId,
} from '@polydev/protocol';
import { defaultLabel } from '../credentials/label.ts';
import type { Vault } from '../credentials/vault.ts';
import { reasonOf } from '../reason.ts';
import type { RunService } from '../services.ts';
import { readTimeline } from '../store/timeline.ts';
import { type ExecutionDeps, executeRun } from './execution.ts';
import { type RunRow, shownRun } from './rows.ts';

/** Of one user, running or waiting: each holds its prompt in memory. */
export const unfinishedAtMost = 200;

export interface RunServiceDeps extends ExecutionDeps {
  vault: Vault;
  defaultDeadlineMs: number;
}

export interface RunsControl {
  service: RunService;
  /** For the start: ends what an earlier controller left unfinished. */
  recover(): Promise<void>;
  /** Cancels what is under way and waits for its end. */
  stop(): Promise<void>;
}

interface Working {
  stop: AbortController;
  done: Promise<void>;
}

export function createRuns(deps: RunServiceDeps): RunsControl {
  const { rows, events, vault } = deps;
  const working = new Map<RunId, Working>();
  const unfinished = new Map<UserId, number>();

  async function findFor(user: User, id: RunId): Promise<RunRow> {
    const row = await rows.find(id);
    if (!row || (row.userId !== user.id && user.role !== 'owner')) throw notFound('run');
    return row;
  }

  /** A run uses a credential of the one who asks for it, whoever that is. */
  async function credentialFor(user: User, provider: ProviderId, asked: RunRow['credentialId']) {
    const own = (await vault.list(user.id)).filter((credential) => credential.provider === provider);
    if (asked) {
      const found = own.find(({ id }) => id === asked);
      if (!found) throw notFound('credential');
      return usable(found);
    }
    const active = own.filter(({ status }) => status === 'active');
    const [only, ...others] = active;
    if (!only) {
      const [expired] = own;
      if (expired) return usable(expired);
      throw new PolydevError('no_credential', 'No account of this tool is connected.');
    }
    if (others.length === 0) return only;
    const byDefault = active.find(({ label }) => label === defaultLabel);
    if (!byDefault)
      throw new PolydevError('invalid_request', 'Several accounts are connected: say which with credentialId.');
    return byDefault;
  }

  /** Answers the way to give it back. */
  function takeRoom({ id }: User): () => void {
    const present = unfinished.get(id) ?? 0;
    if (present >= unfinishedAtMost)
      throw new PolydevError('capacity', `${present} runs have not ended yet; more do not wait.`);
    unfinished.set(id, present + 1);
    return () => {
      const left = (unfinished.get(id) ?? 0) - 1;
      if (left > 0) unfinished.set(id, left);
      else unfinished.delete(id);
    };
  }

  function begin(run: RunRow, giveRoom: () => void): void {
    const stop = new AbortController();
    const done = executeRun(deps, run, stop.signal).finally(() => {
      working.delete(run.id);
      giveRoom();
    });
    working.set(run.id, { stop, done });
  }

  async function cancel(id: RunId): Promise<void> {
    const work = working.get(id);
    if (work) {
      work.stop.abort(new PolydevError('run_cancelled', 'The run was cancelled.'));
      await work.done;
    } else {
      const reason = reasonOf(new PolydevError('run_cancelled', 'The run was cancelled.'));
      await rows.move(id, 'cancelled', { reason });
    }
  }

  const service: RunService = {
    async start(user, request) {
      if (request.prompt.includes('\0'))
        throw new PolydevError('invalid_request', 'The prompt contains a NUL character.');
      const giveRoom = takeRoom(user);
      try {
        const credential = await credentialFor(user, request.provider, request.credentialId ?? null);
        const row = await rows.insert({
          id: newId('run'),
          userId: user.id,
          provider: request.provider,
          credentialId: credential.id,
          prompt: request.prompt,
          model: request.model ?? null,
          deadlineMs: request.deadlineMs ?? deps.defaultDeadlineMs,
        });
        begin(row, giveRoom);
        return shownRun(row);
      } catch (error) {
        giveRoom();
        throw error;
      }
    },

    get: async (user, id) => shownRun(await findFor(user, id)),

    list: async (user, query = {}) => (await rows.list(user.id, query)).map(shownRun),

    async cancel(user, id) {
      await findFor(user, id);
      await cancel(id);
      return shownRun(await findFor(user, id));
    },

    async remove(user, id) {
      await findFor(user, id);
      await cancel(id);
      await rows.remove(id);
    },

    async events(user, id, afterSeq, signal) {
      const row = await findFor(user, id);
      return readTimeline(events, id, afterSeq, signal, {
        isLast: (event) => event.type === 'state' && isFinal(runMoves, event.state),
        working: working.get(id)?.done,
        ended: isFinal(runMoves, row.state),
      });
    },
  };

  return {
    service,
    async recover() {
      const reason = reasonOf(new PolydevError('controller_restarted', 'Polydev was restarted during the run.'));
      for (const { id } of await rows.unfinished()) await rows.move(id, 'failed', { reason });
    },
    async stop() {
      await Promise.all([...working.keys()].map(cancel));
    },
  };
}

function usable<C extends { status: string }>(credential: C): C {
  if (credential.status === 'active') return credential;
  throw new PolydevError('credential_expired', 'The provider no longer accepts this credential.');
}

function notFound(what: string): PolydevError {
  return new PolydevError('not_found', `There is no such ${what}.`);
}
