/** A pool over the fake driver, on a test's own store and clock. */

import type { TestContext } from 'node:test';
import { createFakeDriver, type FakeDriver } from '@polydev/drivers/fake/driver';
import { newId, type Profile, type SandboxId } from '@polydev/protocol';
import * as box from '@polydev/vault/box';
import { createMasterKey } from '@polydev/vault/master-key';
import { pino } from 'pino';
import { createKeyCase } from '../../sandboxes/keys.ts';
import { createMachines, type Machines } from '../../sandboxes/machines.ts';
import { createRoom } from '../../sandboxes/room.ts';
import { createSandboxRows } from '../../sandboxes/rows.ts';
import { openTestStore } from '../../store/testing.ts';
import { createJumpingClock } from '../../testing/clock.ts';
import { createDemand } from '../demand.ts';
import { createPool, type PoolSettings } from '../pool.ts';

const limits = { memoryMiB: 256, cpus: 1, processes: 64, diskMiB: 64, homeMiB: 64 };

export const never = new AbortController().signal;
export const none = { min: 0, max: 0 };

interface Options {
  settings?: Partial<PoolSettings>;
  atMost?: number;
  atOnce?: number;
  freeMiB?: number;
  /** Desktops never show their windows. */
  blank?: boolean;
  /** A change of the driver. */
  change?: (driver: FakeDriver) => FakeDriver;
  wakeMs?: number;
}

export async function openPool(t: TestContext, options: Options = {}) {
  const store = await openTestStore(t);
  const paused: SandboxId[] = [];
  const created: Profile[] = [];
  let changed = Promise.withResolvers<void>();
  const tell = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const real = createFakeDriver({
    box,
    ...(options.freeMiB !== undefined && { freeMiB: options.freeMiB }),
    script: {
      onCreate(agent) {
        created.push(agent.spec.profile);
        if (agent.spec.profile !== 'desktop' || options.blank) return;
        for (const part of ['display', 'terminal', 'browser'] as const) agent.emitDesktop(part, true);
      },
    },
  });
  const fake: FakeDriver = {
    ...real,
    async destroy(id) {
      await real.destroy(id);
      tell();
    },
  };
  const driver = options.change?.(fake) ?? fake;
  const clock = createJumpingClock();
  const log = pino({ enabled: false });
  const keyCase = createKeyCase(createMasterKey());
  const { atMost = 10, atOnce = atMost + 1 } = options;
  const room = createRoom({ atMost, atOnce, freeMiB: async () => (await driver.memory()).freeMiB });
  const machines = createMachines({
    ...{ driver, keyCase, room, clock, log },
    rows: createSandboxRows(store, store.events, { controller: newId('controller'), host: 'here' }, clock.now),
    limits: { desktop: limits, headless: limits },
    image: async () => 'f'.repeat(64),
  });
  const settings: PoolSettings = {
    ...{ desktop: none, headless: { min: 1, max: 4 }, reserveMiB: 0, memoryMiB: 100_000, maxAgeMs: 1e9 },
    ...options.settings,
  };
  const watched: Machines = {
    ...machines,
    async pause(machine) {
      await machines.pause(machine);
      paused.push(machine.id);
      tell();
    },
  };
  const { wakeMs = 60_000 } = options;
  const pool = createPool({ machines: watched, room, settings, clock, log, wakeMs, demand: createDemand(settings) });
  t.after(async () => {
    await pool.stop({ keep: false });
    machines.stop();
    await driver.close({ keep: false });
  });
  /** Resolves when it holds, looked at after each change of the driver; time goes on meanwhile. */
  const until = async (holds: () => boolean | Promise<boolean>) => {
    while (!(await holds())) {
      clock.jump(20_000);
      await Promise.race([changed.promise, new Promise((resolve) => setTimeout(resolve, 10))]);
    }
  };
  const alive = async () => (await driver.list()).map(({ id }) => id);
  return { pool, driver, machines, clock, paused, created, until, alive };
}
