/** Builds what works behind the API: vault, sandboxes, sign-ins, credentials, runs. */

import type { Driver } from '@polydev/drivers/contract';
import type { ProviderId, UserId } from '@polydev/protocol';
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
import { createPostmortem } from './postmortem/postmortem.ts';
import { createRunRows } from './runs/rows.ts';
import { createRuns } from './runs/service.ts';
import { createUsage } from './runs/usage.ts';
import { createSandboxRows } from './sandboxes/rows.ts';
import { createSandboxes, type EgressRegistry } from './sandboxes/sandboxes.ts';
import { createSandboxService } from './sandboxes/service.ts';
import type { Services } from './services.ts';
import { createSessionMachine } from './sessions/machine.ts';
import { createSessions } from './sessions/service.ts';
import type { Store } from './store/database.ts';
import type { EphemeralStore } from './store/ephemeral.ts';
import type { EventLog } from './store/events.ts';
import { users } from './store/schema.ts';

export interface WorkingsDeps extends Store {
  ephemeral: EphemeralStore;
  events: EventLog;
  masterKey: MasterKey;
  driver: Driver;
  egress: EgressRegistry;
  providerOf(id: ProviderId): Provider;
  config: Pick<Config, 'signIn' | 'runs' | 'sandbox'>;
  /** Hash of the golden image in use. */
  image(): Promise<string | null>;
  /** PEM. */
  extraCa?: string | undefined;
  timeZone?: string | undefined;
  log: Pick<BaseLogger, 'info' | 'warn' | 'error'>;
  clock?: Clock;
}

export interface Workings {
  services: Services;
  /** Once, before anything is asked: nothing that an earlier controller left is half done afterwards. */
  recover(): Promise<void>;
  /** Cancels what is under way and destroys its sandboxes. */
  stop(): Promise<void>;
}

export function createWorkings(deps: WorkingsDeps): Workings {
  const { db, ephemeral, events, config, providerOf, log, clock = realClock } = deps;
  const { now } = clock;
  const { verify, keepPictures, ...signInLimits } = config.signIn;
  const { atMost, ...profiles } = config.sandbox;

  const vault = createVault(deps, deps.masterKey, now);
  const { witness, logs, driver, rows, ...postmortem } = createPostmortem({
    ...deps,
    vault,
    rows: createSandboxRows(deps),
    keepPictures,
    clock,
  });
  const sandboxes = createSandboxes({ ...deps, driver, now, rows, limits: profiles, maxSandboxes: atMost });
  const leases = createLeases(ephemeral);
  const { borrow, ...lending } = createLending({ vault, leases, sandboxes, witness, providerOf, log });
  const userExists = async (id: UserId) =>
    (await db.select({ id: users.id }).from(users).where(eq(users.id, id))).length > 0;

  const machine = createSessionMachine(deps, events, now);
  const sessions = createSessions({
    ...{ machine, witness, logs, events, vault, sandboxes, providerOf, userExists, verify, log, clock },
    limits: signInLimits,
  });
  const runs = createRuns({
    ...{ rows: createRunRows(deps, events, now), events, borrow, vault, log, now },
    defaultDeadlineMs: config.runs.defaultMs,
  });

  const credentials = createCredentialService({ db, vault, borrow, sandboxes, providerOf, verify });

  return {
    services: {
      sessions: sessions.service,
      credentials,
      runs: runs.service,
      usage: createUsage(db, credentials, now),
      sandboxes: createSandboxService({ driver, rows, sandboxes, logs, image: deps.image }),
    },
    async recover() {
      await postmortem.open();
      await sandboxes.sweep();
      await Promise.all([sessions.recover(), runs.recover()]);
    },
    async stop() {
      // Sandboxes go last: they hold credentials that their tools may have rotated. They go also where the end of what was
      // done in them could not be written.
      await Promise.allSettled([sessions.stop(), runs.stop(), lending.stop()]);
      await sandboxes.stop();
      postmortem.close();
    },
  };
}
