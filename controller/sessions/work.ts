/** The life of each sign-in that this controller works on, from its start to `destroyed`. */

import {
  isFinal,
  limits,
  PolydevError,
  type ProviderId,
  type SessionEvent,
  type SessionId,
  type SessionState,
  sessionMoves,
} from '@polydev/protocol';
import type { Provider } from '@polydev/providers/provider';
import type { BaseLogger } from 'pino';
import { abortError, untilAborted } from '../abort.ts';
import type { Clock } from '../clock.ts';
import type { Redact } from '../credentials/redact.ts';
import type { Vault } from '../credentials/vault.ts';
import { logFailure } from '../failure-log.ts';
import type { Witness } from '../postmortem/witness.ts';
import { failureOf, reasonOf } from '../reason.ts';
import type { Changes } from '../recovery/changes.ts';
import { handOver, isHandedOver } from '../recovery/hand-over.ts';
import type { Sandboxes, SandboxHandle } from '../sandboxes/sandboxes.ts';
import type { AgentAccess } from '../services.ts';
import type { EventLog } from '../store/events.ts';
import { notOurs, stillOurs } from '../store/mover.ts';
import { createDeadline, type Deadline } from './deadline.ts';
import { signIn } from './flow.ts';
import { createIdle, type Idle } from './idle.ts';
import type { SessionMachine, SessionRow } from './machine.ts';

export interface SessionWorkDeps {
  machine: SessionMachine;
  witness: Pick<Witness, 'hide' | 'glance' | 'settle'>;
  events: EventLog;
  changes: Changes;
  /** Of people at desktops that another controller works on. */
  activity: Changes;
  vault: Vault;
  sandboxes: Sandboxes;
  providerOf(id: ProviderId): Provider;
  /** A sign-in in which nothing happens is over after this. */
  idleMs: number;
  verify: 'run' | 'off';
  log: Pick<BaseLogger, 'warn' | 'error'>;
  clock: Clock;
}

export interface SessionWork {
  /** Resolves when its turn to have a desktop has come, or it has ended; rejects when there is none to have. */
  begin(session: SessionRow): Promise<void>;
  /** Null when it has ended. */
  extend(id: SessionId, atMs: number): Promise<SessionRow | null>;
  /** Resolves when its desktop is gone. */
  cancel(id: SessionId): Promise<void>;
  /** Its person is there. */
  active(id: SessionId): void;
  /** Settles when the work here is over; undefined when it is not done here. */
  done(id: SessionId): Promise<void> | undefined;
  /** Waits until the desktop can be reached; undefined when the work is not done here. */
  display(id: SessionId, signal: AbortSignal): Promise<AgentAccess> | undefined;
  /** Goes on with one that this controller had before it started again, or ends it where that cannot be. */
  resume(session: SessionRow): Promise<void>;
  /** Ends one whose controller is no more. */
  bury(session: SessionRow): Promise<void>;
  /** Leaves everything as it is, for the controller that starts next. */
  handOver(): Promise<void>;
  /** Ends what is under way and waits until its desktops are gone. */
  stop(): Promise<void>;
}

/** A session whose desktop, if any, is in this controller's hands. */
interface Working {
  /** Aborted once the session was ended by others than its own flow. */
  stop: AbortController;
  deadline: Deadline;
  idle: Idle;
  sandbox: PromiseWithResolvers<SandboxHandle>;
  done: Promise<void>;
}

export function createSessionWork(deps: SessionWorkDeps): SessionWork {
  const { machine, events, changes, activity, sandboxes, witness, log, clock } = deps;
  const { idleMs } = deps;
  const { now } = clock;
  const working = new Map<SessionId, Working>();
  /** Why no more begin. */
  let closed: PolydevError | undefined;

  /** Ends a session from outside its flow; whoever comes first ends it. */
  async function end(id: SessionId, state: SessionState, error: PolydevError): Promise<void> {
    const moved = await machine.move(id, state, { reason: reasonOf(error) });
    const work = working.get(id);
    // The news that another controller was first may have got lost.
    if (!moved) return work && (await lookAgain(id, work));
    logFailure(log, error, { session: id });
    if (!work) return await changes.tell(id);
    work.idle.clear();
    work.stop.abort(error);
  }

  function active(id: SessionId): void {
    const work = working.get(id);
    if (work) work.idle.active();
    else void activity.tell(id);
  }

  /** Null when the session has ended. */
  async function extend(id: SessionId, atMs: number): Promise<SessionRow | null> {
    const before = await machine.find(id);
    const changed = await machine.extend(id, atMs);
    if (!changed || changed.expiresAtMs === before?.expiresAtMs) return changed;
    const { expiresAtMs } = changed;
    const work = working.get(id);
    if (work) work.deadline.set(expiresAtMs);
    else await changes.tell(id);
    await events.append(id, { type: 'extended', expiresAtMs });
    return changed;
  }

  /** Another controller changed the row. */
  async function lookAgain(id: SessionId, { stop, deadline }: Pick<Working, 'stop' | 'deadline'>): Promise<void> {
    const row = await machine.find(id);
    if (row && !isFinal(sessionMoves, row.state)) deadline.set(row.expiresAtMs);
    else stop.abort(row?.reason ? new PolydevError(row.reason.code, row.reason.message) : over());
  }

  async function drive(
    session: SessionRow,
    { stop, deadline, idle, sandbox: found }: Omit<Working, 'done'>,
    adopted: SandboxHandle | null,
    turn: PromiseWithResolvers<void>,
  ): Promise<void> {
    const { id, userId, provider } = session;
    let sandbox = adopted;
    try {
      const onStarting = async () => {
        if (session.state === 'pending') stillOurs(await machine.move(id, 'starting'));
        turn.resolve();
      };
      const request = { profile: 'desktop', owner: id, userId, provider, capture: true, wait: false } as const;
      sandbox ??= await sandboxes.acquire({ ...request, onStarting, onFlow: () => idle.active(), signal: stop.signal });
      const { id: sandboxId } = sandbox;
      stillOurs(await machine.change(id, { sandboxId }));
      found.resolve(sandbox);
      const needTime = async (timeMs: number) => {
        idle.active(now() + timeMs - idleMs);
        await extend(id, now() + timeMs);
      };
      const hide = (redact: Redact) => witness.hide(sandboxId, redact);
      const onProgress = () => {
        idle.active();
        witness.glance(sandboxId);
      };
      const flow = { ...deps, provider: deps.providerOf(provider), now, needTime, hide, onProgress };
      await signIn(flow, session, sandbox, stop.signal);
      await witness.settle(id, sandboxId, null);
    } catch (error) {
      if (isHandedOver(stop.signal)) return;
      if (error === notOurs) await lookAgain(id, { stop, deadline });
      const failure = stop.signal.aborted ? abortError(stop.signal) : failureOf(error);
      if (!stop.signal.aborted) {
        logFailure(log, error, { session: id });
        // First of all: a look at a machine that is no more takes a moment.
        await machine.move(id, 'failed', { reason: reasonOf(error) }).finally(() => turn.reject(failure));
      }
      await witness.settle(id, sandbox?.id, failure);
    } finally {
      idle.clear();
      turn.resolve();
      found.reject(over());
      if (isHandedOver(stop.signal)) sandbox?.letGo();
      else await sandbox?.release();
    }
  }

  /** Once the controller is back, so is the patience with the person. */
  async function takeBackWarning(id: SessionId): Promise<void> {
    const said = (await events.read(id, 0)).findLast(({ event }) => event.type === 'idle' || event.type === 'active');
    if (said?.event.type === 'idle') await events.append(id, { type: 'active' });
  }

  function createIdleOf(id: SessionId, printed: () => Promise<number | null>): Idle {
    const tell = (event: SessionEvent) =>
      void events
        .append(id, event)
        .catch((error) => log.warn({ err: error, session: id }, 'A warning could not be written.'));
    const nothing = new PolydevError('sign_in_timeout', `Nothing happened for ${spanOf(idleMs)}.`);
    const warnMs = Math.min(limits.signInWarnMs, idleMs / 2);
    return createIdle(
      clock,
      { idleMs, warnMs },
      {
        quiet: (expiresAtMs) => tell({ type: 'idle', expiresAtMs }),
        stirred: () => tell({ type: 'active' }),
        over: () =>
          void end(id, 'expired', nothing).catch((error) =>
            log.error({ err: error, session: id }, 'A sign-in in which nothing happens did not end.'),
          ),
      },
      printed,
    );
  }

  function begin(session: SessionRow, adopted: SandboxHandle | null = null): Promise<void> {
    const { id } = session;
    const stop = new AbortController();
    // It was just being taken up when all was to be left.
    if (closed) stop.abort(handOver);
    const sandbox = Promise.withResolvers<SandboxHandle>();
    const turn = Promise.withResolvers<void>();
    for (const { promise } of [sandbox, turn]) promise.catch(() => {}); // Perhaps nobody watches.
    const timeUp = new PolydevError('sign_in_timeout', 'The time to sign in has passed.');
    /** Unless another controller gave it more time, and the news of that was lost. */
    const expire = async () => {
      const row = await machine.find(id);
      if (row && row.expiresAtMs > now()) deadline.set(row.expiresAtMs);
      else await end(id, 'expired', timeUp);
    };
    const deadline = createDeadline(clock, () => {
      expire().catch((error) => log.error({ err: error, session: id }, 'A sign-in did not expire.'));
    });
    const idle = createIdleOf(id, () => printedAgoMs(sandbox.promise));
    deadline.set(session.expiresAtMs);
    const watching = changes.watch(id, () => {
      lookAgain(id, { stop, deadline }).catch((error) => log.warn({ err: error, session: id }, 'A change was missed.'));
    });
    const heeding = activity.watch(id, () => idle.active());
    const done = drive(session, { stop, deadline, idle, sandbox }, adopted, turn)
      .then(() => (isHandedOver(stop.signal) ? undefined : events.append(id, { type: 'destroyed' })))
      .then(
        () => {},
        (error) => log.error({ err: error, session: id }, 'The end of a sign-in could not be written.'),
      )
      .finally(async () => {
        deadline.clear();
        working.delete(id);
        for (const unsubscribe of await Promise.all([watching, heeding])) unsubscribe();
      });
    working.set(id, { stop, deadline, idle, sandbox, done });
    return turn.promise;
  }

  /** One that came as this controller stopped. */
  async function refuse(id: SessionId, error: PolydevError): Promise<void> {
    await machine.move(id, 'failed', { reason: reasonOf(error) });
    await events.append(id, { type: 'destroyed' });
    throw error;
  }

  async function cancel(id: SessionId): Promise<void> {
    await end(id, 'cancelled', new PolydevError('sign_in_cancelled', 'The sign-in was cancelled.'));
    await working.get(id)?.done;
  }

  /** Ends one that nobody works on. */
  async function bury({ id, captureId }: SessionRow, sentence: string): Promise<void> {
    const reason = reasonOf(new PolydevError('controller_restarted', sentence));
    if (!(await machine.move(id, 'failed', { reason }))) return;
    // It may only have seemed to be away.
    await changes.tell(id);
    await events.append(id, { type: 'destroyed' });
    if (captureId) await deps.vault.removeUnproven(captureId);
  }

  return {
    begin: (session) => (closed ? refuse(session.id, closed) : begin(session)),
    extend,
    cancel,
    active,
    done: (id) => working.get(id)?.done,
    display(id, signal) {
      const work = working.get(id);
      if (!work) return undefined;
      const access = work.sandbox.promise.then((sandbox) => sandbox.access);
      return untilAborted(access, AbortSignal.any([signal, work.stop.signal]));
    },

    async resume(session) {
      const sandbox = await sandboxes.adopt(session.id, () => working.get(session.id)?.idle.active());
      const noDesktopYet = session.state === 'pending' || session.state === 'starting';
      if (sandbox || noDesktopYet) {
        await takeBackWarning(session.id).catch((error) =>
          log.warn({ err: error, session: session.id }, 'A warning was not taken back.'),
        );
        void begin(session, sandbox);
      } else await bury(session, 'Polydev was restarted, and the desktop is no more.');
    },
    bury: (session) => bury(session, 'The Polydev that worked on the sign-in is no more.'),
    async handOver() {
      closed = stopping();
      for (const { stop } of working.values()) stop.abort(handOver);
      await Promise.all([...working.values()].map(({ done }) => done));
    },
    async stop() {
      closed = stopping();
      await Promise.all([...working.keys()].map(cancel));
    },
  };
}

/** Since the desktop said something in its terminal; null before there is one, or when its agent does not answer. */
async function printedAgoMs(sandbox: Promise<SandboxHandle>): Promise<number | null> {
  try {
    const present = await Promise.race([sandbox, null]);
    return (await present?.agent.health())?.printedAgoMs ?? null;
  } catch {
    return null;
  }
}

function stopping(): PolydevError {
  return new PolydevError('unavailable', 'Polydev is being stopped.');
}

function spanOf(timeMs: number): string {
  const seconds = Math.round(timeMs / 1000);
  return seconds < 120 ? `${seconds} seconds` : `${Math.round(seconds / 60)} minutes`;
}

export function over(): PolydevError {
  return new PolydevError('session_over', 'This sign-in has ended.');
}
