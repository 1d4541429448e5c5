/** Builds what works behind the API: vault, sandboxes, sign-ins, credentials, runs. */

import { availableParallelism } from 'node:os';
import type { Driver } from '@polydev/drivers/contract';
import { type ControllerId, limits, type ProviderId, type UserId } from '@polydev/protocol';
import type { Provider } from '@polydev/providers/provider';
import type { MasterKey } from '@polydev/vault/master-key';
import { eq } from 'drizzle-orm';
import type { BaseLogger } from 'pino';
import { type Clock, realClock } from './clock.ts';
import type { Config } from './config-schema.ts';
import { createLending } from './credentials/borrow.ts';
import { createLeases } from './credentials/leases.ts';
import { createCredentialService } from './credentials/service.ts';
import { createVault } from './credentials/vault.ts';

import { createDemand } from './pool/demand.ts';
import { createPool } from './pool/pool.ts';
import { createPostmortem } from './postmortem/postmortem.ts';
import { createChanges } from './recovery/changes.ts';
import { createRecovery } from './recovery/recovery.ts';

import { createRunRows } from './runs/rows.ts';
import { createRuns } from './runs/service.ts';
import { createUsage } from './runs/usage.ts';
import { createKeyCase } from './sandboxes/keys.ts';
import { createMachines } from './sandboxes/machines.ts';
import { createRoom } from './sandboxes/room.ts';
import { createSandboxRows } from './sandboxes/rows.ts';
import { createSandboxes, type EgressRegistry } from './sandboxes/sandboxes.ts';
import { createSandboxService } from './sandboxes/service.ts';
import type { Services } from './services.ts';
import { createSessionMachine } from './sessions/machine.ts';
import { createSessionService } from './sessions/service.ts';
import { createSessionWork } from './sessions/work.ts';
import type { Store } from './store/database.ts';
import type { EphemeralStore } from './store/ephemeral.ts';
import type { EventLog } from './store/events.ts';
import { createListChanges } from './store/list-changes.ts';
import { users } from './store/schema.ts';

/** A boot keeps a processor busy for most of its time. */
const comingUpAtOnce = 2 * availableParallelism();

export interface WorkingsDeps extends Store {
  ephemeral: EphemeralStore;
  events: EventLog;
  controller: ControllerId;
  /** See recovery/identity.ts. */
  host: string;
  masterKey: MasterKey;
  driver: Driver;
  egress: EgressRegistry;
  providerOf(id: ProviderId): Provider;
  config: Pick<Config, 'signIn' | 'runs' | 'sandbox' | 'pool'>;
  /** Hash of the golden image in use. */
  image(): Promise<string | null>;
  /** PEM. */
  extraCa?: string | undefined;
  timeZone?: string | undefined;
  log: Pick<BaseLogger, 'info' | 'warn' | 'error'>;
  clock?: Clock;
  /** See postmortem/postmortem.ts. */
  lastLookMs?: number;
}

export interface Workings {
  services: Services;
  /** Once, before anything is asked: what an earlier controller left goes on, or has ended. */
  recover(): Promise<void>;
  /** From now on sandboxes wait to be used, and other controllers are looked after. */
  start(): Promise<void>;
  /** Leaves what runs as it is, at once and without a word to the database: for when that is away. */
  leave(): void;
  /** Gives what runs a moment to end, and leaves the rest as it is for the controller that starts next. */
  handOver(): Promise<void>;
  /** Cancels what is under way and destroys its sandboxes. */
  stop(): Promise<void>;
}

export function createWorkings(deps: WorkingsDeps): Workings {
  const { db, ephemeral, events, controller, config, providerOf, log, clock = realClock } = deps;
  const { now } = clock;
  const { verify, keepPictures, ...signInLimits } = config.signIn;
  const { atMost, ...profiles } = config.sandbox;

  const changes = createChanges(ephemeral, 'changed');
  const lists = createListChanges(ephemeral, now);
  const vault = createVault(deps, deps.masterKey, now, lists);
  const sandboxTable = createSandboxRows(deps, events, deps, now);
  const {
    witness,
    logs,
    driver,
    rows: sandboxRows,
    ...postmortem
  } = createPostmortem({
    ...{ ...deps, vault, rows: sandboxTable, keepPictures, clock },
  });

  const keyCase = createKeyCase(deps.masterKey);
  const room = createRoom({ atMost, atOnce: comingUpAtOnce, freeMiB: async () => (await driver.memory()).freeMiB });
  const machines = createMachines({
    ...{ ...deps, clock, driver, keyCase, room, rows: sandboxRows, limits: profiles, adopted: witness.adopted },
  });
  const pool = createPool({
    ...{ machines, room, clock, log },
    settings: config.pool,
    demand: createDemand(config.pool),
  });
  const sandboxes = createSandboxes({
    ...{ machines, pool, room, keyCase, clock, rows: sandboxRows, egress: deps.egress, host: deps.host },
    listed: async () => (await driver.list()).map(({ id }) => id),
  });

  const runRows = createRunRows(deps, events, controller, now, lists);
  const leases = createLeases(ephemeral, {
    holder: controller,
    usedElsewhere: async (id) => (await runRows.usedElsewhere(id)) || (await sandboxRows.testedElsewhere(id)),
  });
  const { borrow, ...lending } = createLending({ vault, leases, sandboxes, witness, providerOf, log });
  const userExists = async (id: UserId) =>
    (await db.select({ id: users.id }).from(users).where(eq(users.id, id))).length > 0;

  const sessionMachine = createSessionMachine(deps, events, controller, now, lists);
  const signIns = createSessionWork({
    ...{ events, changes, witness, vault, sandboxes, providerOf, verify, log, clock },
    machine: sessionMachine,
    activity: createChanges(ephemeral, 'active'),
    idleMs: signInLimits.idleMs,
  });
  const runs = createRuns({
    ...{ rows: runRows, events, changes, borrow, vault, sandboxes, log, now, clock },
    credentialFree: leases.ring,
    defaultDeadlineMs: config.runs.defaultMs,
  });
  const recovery = createRecovery({
    ...{ controller, ephemeral, sessions: signIns, runs, sandboxes, sandboxRows, vault, lending, clock, log },
    unfinishedSessions: sessionMachine.unfinished,
    closeSessions: sessionMachine.close,
    unfinishedRuns: runRows.unfinished,
    runsElsewhere: runRows.unfinishedElsewhere,
  });

  const credentials = createCredentialService({
    ...{ db, vault, borrow, sandboxes, providerOf, verify, lists },
    stopping: lending.stopping,
  });

  return {
    services: {
      sessions: createSessionService({
        ...{ events, logs, vault, sandboxes, userExists, now },
        machine: sessionMachine,
        work: signIns,
        limits: signInLimits,
      }),
      credentials,
      runs: runs.service,
      usage: createUsage(db, credentials, now),
      sandboxes: createSandboxService({
        ...{ driver, events, logs, rows: sandboxRows, image: deps.image, waiting: pool.waiting },
      }),
      changes: { follow: async ({ id }, afterSeq, signal) => lists.follow(id, afterSeq, signal) },
    },
    async recover() {
      await postmortem.open();
      await recovery.recover();
    },
    async start() {
      await recovery.start();
      pool.start();
    },
    leave: runs.leave,
    async handOver() {
      lending.leave();
      // At once, before what they are writing can fail; and once more, those that are just being taken up.
      void signIns.handOver().catch(() => {});
      await recovery.stop();
      // One that fails keeps nothing else from being left as it should be.
      const steps = [() => runs.handOver(limits.drainMs, lending.hurry), signIns.handOver, lending.stop];
      for (const step of steps)
        await step().catch((error) => log.warn({ err: error }, 'What is under way was not handed over well.'));
      await sandboxes.stop({ keep: true });
      postmortem.close();
    },
    async stop() {
      await recovery.stop();
      // Sandboxes go last: they hold credentials that their tools may have rotated. They go also where the end of what was
      // done in them could not be written.
      await Promise.allSettled([signIns.stop(), runs.stop(), lending.stop()]);
      await sandboxes.stop({ keep: false });
      postmortem.close();
    },
  };
}
