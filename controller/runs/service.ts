/** Runs as the API knows them: who may start, see, cancel and forget one. */

import {
  isFinal,
  newId,
  PolydevError,
  type ProviderId,
  type RunId,
  type RunStreamEvent,
  runMoves,
  type User,
  type UserId,
} from '@polydev/protocol';
import { abortError } from '../abort.ts';
import type { Clock } from '../clock.ts';
import { defaultLabel } from '../credentials/label.ts';
import type { Vault } from '../credentials/vault.ts';
import { reasonOf } from '../reason.ts';
import type { Changes } from '../recovery/changes.ts';
import { handOver } from '../recovery/hand-over.ts';
import type { Sandboxes, SandboxHandle } from '../sandboxes/sandboxes.ts';
import type { RunService } from '../services.ts';
import { readTimeline } from '../store/timeline.ts';
import { type ExecutionDeps, executeRun } from './execution.ts';
import { headOf, type RunHead, type RunRow, type SeenRun, shownRun } from './rows.ts';
import { saidEnd } from './said-end.ts';

/** Of one user, running or waiting. */
export const unfinishedAtMost = 200;
/** Some of them have ended by then; for Retry-After. */
const retryAfterSeconds = 10;

export interface RunServiceDeps extends ExecutionDeps {
  vault: Vault;
  sandboxes: Sandboxes;
  changes: Changes;
  clock: Pick<Clock, 'after'>;
  defaultDeadlineMs: number;
}

export interface RunsControl {
  service: RunService;
  /** Goes on with one that this controller had before it started again, or ends it where that cannot be. */
  resume(run: RunHead): Promise<void>;
  /** Takes over one that waits and whose controller is no more, and ends one that ran there. */
  takeOver(run: SeenRun): Promise<void>;
  /** Ends one whose controller is no more. */
  bury(run: SeenRun): Promise<void>;
  /**
   * Leaves what waits to whoever is first. What runs has so long to end by itself, and is then left as it is for the
   * controller that starts next; `drained` is called when that time is over.
   */
  handOver(drainMs: number, drained: () => void): Promise<void>;
  /** The same at once, without a word to the database: for when it is away. */
  leave(): void;
  /** Cancels what is under way and waits for its end. */
  stop(): Promise<void>;
}

interface Working {
  userId: UserId;
  stop: AbortController;
  leave: AbortController;
  done: Promise<void>;
}

export function createRuns(deps: RunServiceDeps): RunsControl {
  const { rows, events, vault, sandboxes, changes } = deps;
  const working = new Map<RunId, Working>();
  /** Those whose tool runs. */
  const running = new Set<RunId>();
  const unfinished = new Map<UserId, number>();
  /** What comes now is for others, or for the next start. */
  let closed = false;

  async function findFor(user: User, id: RunId): Promise<RunRow> {
    return seenBy(user, await rows.find(id));
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
      throw new PolydevError('capacity', `${present} runs have not ended yet; more do not wait.`, {
        details: { retryAfterSeconds },
      });
    return roomOf(id);
  }

  function begin(run: RunHead, giveRoom: () => void, adopted: SandboxHandle | null = null): void {
    const { id } = run;
    const stop = new AbortController();
    const leave = new AbortController();
    const watching = changes.watch(id, () => void lookAgain(id, stop).catch(() => {}));
    const control = { stop: stop.signal, leave: leave.signal, adopted, onRunning: () => running.add(id) };
    const done = executeRun(deps, run, control).finally(async () => {
      working.delete(id);
      running.delete(id);
      giveRoom();
      (await watching)();
    });
    working.set(id, { userId: run.userId, stop, leave, done });
  }

  async function leaveToOthers(id: RunId, giveRoom = () => {}): Promise<void> {
    giveRoom();
    // Where that cannot be written, others take it when they miss this one.
    await rows.free(id).catch((error) => deps.log.warn({ err: error, run: id }, 'A run that waits was not given up.'));
  }

  /** Another controller changed the row. */
  async function lookAgain(id: RunId, stop: AbortController): Promise<void> {
    if (!(await rows.isOurs(id))) stop.abort(cancelled());
  }

  /** Ends one that nobody works on. */
  async function bury({ id }: SeenRun, sentence: string): Promise<void> {
    const said = saidEnd((await events.read(id, 0)).map(({ event }) => event));
    if (said) await rows.move(id, said.state, said);
    else await rows.move(id, 'failed', { reason: reasonOf(new PolydevError('controller_restarted', sentence)) });
    // Whose it was may only have seemed to be away.
    await changes.tell(id);
  }

  /** Without the bound on how many may wait: these have waited before. */
  function roomOf(userId: UserId): () => void {
    unfinished.set(userId, (unfinished.get(userId) ?? 0) + 1);
    return () => {
      const left = (unfinished.get(userId) ?? 0) - 1;
      if (left > 0) unfinished.set(userId, left);
      else unfinished.delete(userId);
    };
  }

  async function cancelHere(id: RunId): Promise<void> {
    const work = working.get(id);
    work?.stop.abort(cancelled());
    await work?.done;
  }

  async function cancel(id: RunId): Promise<void> {
    await cancelHere(id);
    // Another controller works on it.
    if (await rows.move(id, 'cancelled', { reason: reasonOf(cancelled()) })) await changes.tell(id);
  }

  const service: RunService = {
    async start(user, request, gone) {
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
        if (gone?.aborted) {
          await rows.remove(row.id);
          throw abortError(gone);
        }
        if (closed) await leaveToOthers(row.id, giveRoom);
        else begin(headOf(row), giveRoom);
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
      const isLast = (event: RunStreamEvent) => event.type === 'state' && isFinal(runMoves, event.state);
      // Of most that are asked for: then there is nothing to look up.
      const work = working.get(id);
      if (work) seenBy(user, work);
      const ended = !work && isFinal(runMoves, seenBy(user, await rows.findHead(id)).state);
      return readTimeline(events, id, afterSeq, signal, { isLast, working: work?.done, ended });
    },
  };

  async function takeUp(run: SeenRun, adopted: SandboxHandle | null = null): Promise<void> {
    // It may have been taken from here before, and the news of that got lost.
    await cancelHere(run.id);
    const own = await rows.claim(run).catch(async (error) => {
      await adopted?.release();
      throw error;
    });
    if (!own) return await adopted?.release();
    await changes.tell(own.id);
    if (!closed) return begin(own, roomOf(own.userId), adopted);
    adopted?.letGo();
    await leaveToOthers(own.id);
  }

  const buryLost = (run: SeenRun) => bury(run, 'The Polydev that worked on the run is no more.');

  return {
    service,
    async resume(run) {
      // Before, nothing had been asked of the tool yet.
      if (run.state !== 'running') return await takeUp(run);
      const sandbox = await sandboxes.adopt(run.id);
      if (sandbox) await takeUp(run, sandbox);
      else await bury(run, 'Polydev was restarted during the run, and its sandbox is no more.');
    },
    async takeOver(run) {
      if (run.state === 'queued') await takeUp(run);
      else await buryLost(run);
    },
    bury: buryLost,
    leave() {
      closed = true;
      for (const { leave } of working.values()) leave.abort(handOver);
    },
    async handOver(drainMs, drained) {
      closed = true;
      const all = [...working];
      for (const [id, { leave }] of all) if (!running.has(id)) leave.abort(handOver);
      const ended = Promise.all(all.map(([, { done }]) => done));
      const { promise: timeUp, resolve } = Promise.withResolvers<void>();
      const callOff = deps.clock.after(drainMs, resolve);
      await Promise.race([ended, timeUp]);
      callOff();
      drained();
      for (const [, { leave }] of all) leave.abort(handOver);
      await ended;
      for (const [id] of all) await leaveToOthers(id);
    },
    async stop() {
      await Promise.all([...working.keys()].map(cancelHere));
    },
  };
}

function cancelled(): PolydevError {
  return new PolydevError('run_cancelled', 'The run was cancelled.');
}

function usable<C extends { status: string }>(credential: C): C {
  if (credential.status === 'active') return credential;
  throw new PolydevError('credential_expired', 'The provider no longer accepts this credential.');
}

function seenBy<R extends Pick<RunRow, 'userId'>>(user: User, run: R | null): R {
  if (!run || (run.userId !== user.id && user.role !== 'owner')) throw notFound('run');
  return run;
}

function notFound(what: string): PolydevError {
  return new PolydevError('not_found', `There is no such ${what}.`);
}
