/**
 * What controllers that share a database owe each other. One that starts again goes on with its own sign-ins and runs.
 * One that stays away is missed by the others: they end what only it could do, and take over what had not begun.
 */

import { type ControllerId, type CredentialId, isId, limits } from '@polydev/protocol';
import type { BaseLogger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Lending } from '../credentials/borrow.ts';
import type { Vault } from '../credentials/vault.ts';
import type { RunHead, SeenRun } from '../runs/rows.ts';
import type { RunsControl } from '../runs/service.ts';
import type { SandboxRows } from '../sandboxes/rows.ts';
import type { Sandboxes } from '../sandboxes/sandboxes.ts';
import type { SessionRow } from '../sessions/machine.ts';
import type { SessionWork } from '../sessions/work.ts';
import type { EphemeralStore } from '../store/ephemeral.ts';

export interface Recovery {
  /** Once, before anything is asked. */
  recover(): Promise<void>;
  /** From now on the others see this one, and this one sees to what they leave behind. */
  start(): Promise<void>;
  /** Resolves when no more is taken up here. The others see it no more. */
  stop(): Promise<void>;
}

export interface RecoveryDeps {
  controller: ControllerId;
  ephemeral: EphemeralStore;
  sessions: Pick<SessionWork, 'resume' | 'bury'>;
  runs: Pick<RunsControl, 'resume' | 'takeOver' | 'bury'>;
  unfinishedSessions(): Promise<SessionRow[]>;
  closeSessions(): Promise<void>;
  unfinishedRuns(): Promise<RunHead[]>;
  runsElsewhere(): Promise<SeenRun[]>;
  sandboxes: Sandboxes;
  sandboxRows: Pick<SandboxRows, 'forgetOf' | 'controllers' | 'own' | 'prune'>;
  lending: Pick<Lending, 'takeBack'>;
  vault: Pick<Vault, 'removeUnprovenOf'>;
  clock: Clock;
  log: Pick<BaseLogger, 'info' | 'warn'>;
}

const tidyEveryMs = 60 * 60 * 1000;

type TakeUp<R> = (row: R) => Promise<void>;

export function createRecovery(deps: RecoveryDeps): Recovery {
  const { controller, ephemeral, sessions, runs, sandboxRows, clock, log } = deps;
  /** Controllers that were not there when we last looked, and since when. */
  const missedSince = new Map<string, number>();
  let callOff: (() => void)[] = [];
  let over = false;
  let recovering = Promise.resolve();
  const underWay = new Set<Promise<void>>();

  const keyOf = (id: string) => `controller:${id}`;
  // Rows of before controllers had names belong to whoever finds them.
  const isOwn = (row: { controller: string }) => row.controller === controller || row.controller === '';
  const sayIAmHere = () => ephemeral.set(keyOf(controller), 'here', limits.controllerTtlMs);

  /** Failures in a row are said once. */
  function every(timeMs: number, work: () => Promise<void>, trouble: string): void {
    let stop = () => {};
    let failed = false;
    const attempt = async () => {
      try {
        await work();
        failed = false;
      } catch (error) {
        if (!failed) log.warn({ err: error }, trouble);
        failed = true;
      }
    };
    const again = () => {
      if (over) return;
      stop = clock.after(timeMs, () => {
        const done = attempt().finally(() => {
          underWay.delete(done);
          again();
        });
        underWay.add(done);
      });
    };
    callOff.push(() => stop());
    again();
  }

  /** Not there for long enough to be given up. */
  async function isLost(id: string): Promise<boolean> {
    if (id === '' || id === controller) return false;
    if (await ephemeral.get(keyOf(id))) {
      missedSince.delete(id);
      return false;
    }
    const sinceMs = missedSince.get(id) ?? clock.now();
    missedSince.set(id, sinceMs);
    return clock.now() - sinceMs >= limits.takeOverMs;
  }

  async function lookAfterOthers(): Promise<void> {
    const [sessionRows, runRows] = await Promise.all([deps.unfinishedSessions(), deps.runsElsewhere()]);
    const seen = new Set([...sessionRows, ...runRows].map((row) => row.controller));
    for (const id of await sandboxRows.controllers()) seen.add(id);
    for (const id of missedSince.keys()) if (!seen.has(id)) missedSince.delete(id);
    const lost = new Set<string>();
    for (const id of seen) if (await isLost(id)) lost.add(id);
    for (const row of sessionRows) if (lost.has(row.controller) && !over) await sessions.bury(row);
    // What nobody works on had been handed over.
    for (const row of runRows)
      if ((lost.has(row.controller) || row.controller === '') && !over) await runs.takeOver(row);
    if (over) return;
    for (const id of lost) {
      log.warn({ lost: id }, 'Another controller is no more; what it worked on has ended.');
      await sandboxRows.forgetOf(id);
      missedSince.delete(id);
    }
  }

  /** One that cannot be taken up must not keep the others, nor the start, waiting. */
  async function takeUp<R extends { id: string }>(row: R, work: { resume: TakeUp<R>; bury: TakeUp<R> }): Promise<void> {
    if (over) return;
    const warn = (error: unknown) => log.warn({ err: error, id: row.id }, 'What was under way was not taken up again.');
    await work.resume(row).catch(async (error) => {
      warn(error);
      await work.bury(row).catch(warn);
    });
  }

  /** Nobody waits for what a test of an account would have said, but its tool may have renewed the token. */
  async function takeBack(id: CredentialId): Promise<void> {
    const sandbox = await deps.sandboxes.adopt(id);
    // It may be long until it is this one's turn.
    if (sandbox) void deps.lending.takeBack(id, sandbox);
  }

  async function recoverOwn(): Promise<void> {
    const [sessionRows, runRows] = await Promise.all([deps.unfinishedSessions(), deps.unfinishedRuns()]);
    const ownSessions = sessionRows.filter(isOwn);
    const ownRuns = runRows.filter(isOwn);
    const running = ownRuns.filter(({ state }) => state === 'running');
    const tested = (await sandboxRows.own()).flatMap(({ owner }) => (isId('credential', owner) ? owner : []));
    await deps.sandboxes.recover(new Set([...tested, ...[...ownSessions, ...running].map(({ id }) => id)]));
    await deps.closeSessions();
    await Promise.all(ownSessions.map((row) => takeUp(row, sessions)));
    // In the order of asking, so that the line before a credential is what it was.
    ownRuns.sort(
      (a, b) => Number(b.state === 'running') - Number(a.state === 'running') || a.createdAtMs - b.createdAtMs,
    );
    for (const id of new Set(tested)) await takeBack(id);
    for (const run of ownRuns) await takeUp(run, runs);
    await tidy();
  }

  /** What nobody needs any more. */
  async function tidy(): Promise<void> {
    await sandboxRows.prune();
    const captured = (await deps.unfinishedSessions()).flatMap(({ captureId }) => captureId ?? []);
    await deps.vault.removeUnprovenOf(clock.now() - 2 * limits.proofMs, captured);
  }

  return {
    recover() {
      if (!over) recovering = recoverOwn();
      return recovering;
    },

    async start() {
      if (over) return;
      const unseen = 'Other controllers do not see this one.';
      await sayIAmHere().catch((error) => log.warn({ err: error }, unseen));
      every(limits.controllerTtlMs / 3, sayIAmHere, unseen);
      every(limits.controllerTtlMs, lookAfterOthers, 'Other controllers could not be looked after.');
      every(tidyEveryMs, tidy, 'What nobody needs any more was not forgotten.');
    },

    async stop() {
      over = true;
      for (const off of callOff) off();
      callOff = [];
      await Promise.allSettled([recovering, ...underWay]);
      await ephemeral.delete(keyOf(controller)).catch(() => {});
    },
  };
}
