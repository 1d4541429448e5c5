import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createFakeDriver, type FakeDriver } from '@polydev/drivers/fake/driver';
import { newId, type Profile, type SandboxId } from '@polydev/protocol';
import * as box from '@polydev/vault/box';
import { createMasterKey } from '@polydev/vault/master-key';
import { pino } from 'pino';
import { createKeyCase } from '../../sandboxes/keys.ts';
import { createMachines } from '../../sandboxes/machines.ts';
import { createSandboxRows } from '../../sandboxes/rows.ts';
import { openTestStore } from '../../store/testing.ts';
import { createJumpingClock } from '../../testing/clock.ts';
import { testTimeout } from '../../testing/stage.ts';
import { createDemand } from '../demand.ts';
import { createPool, type PoolSettings } from '../pool.ts';

const limits = { memoryMiB: 256, cpus: 1, processes: 64, diskMiB: 64, homeMiB: 64 };
const none = { min: 0, max: 0 };

interface Options {
  settings?: Partial<PoolSettings>;
  atMost?: number;
  freeMiB?: number;
  /** A change of the driver. */
  change?: (driver: FakeDriver) => FakeDriver;
}

async function open(t: TestContext, options: Options = {}) {
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
        if (agent.spec.profile !== 'desktop') return;
        for (const part of ['display', 'terminal', 'browser'] as const) agent.emitDesktop(part, true);
      },
    },
  });
  const fake: FakeDriver = {
    ...real,
    async pause(id) {
      await real.pause(id);
      paused.push(id);
      tell();
    },
    async destroy(id) {
      await real.destroy(id);
      tell();
    },
  };
  const driver = options.change?.(fake) ?? fake;
  const clock = createJumpingClock();
  const log = pino({ enabled: false });
  const keyCase = createKeyCase(createMasterKey());
  const machines = createMachines({
    ...{ driver, keyCase, clock, log },
    rows: createSandboxRows(store, store.events, { controller: newId('controller'), host: 'here' }, clock.now),
    limits: { desktop: limits, headless: limits },
    image: async () => 'f'.repeat(64),
  });
  const settings: PoolSettings = {
    ...{ desktop: none, headless: { min: 1, max: 4 }, reserveMiB: 0, memoryMiB: 100_000, maxAgeMs: 1e9 },
    ...options.settings,
  };
  const free = () => (options.atMost ?? 10) - machines.count;
  const pool = createPool({ driver, machines, settings, free, clock, log, demand: createDemand(settings) });
  t.after(async () => {
    await pool.stop();
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

test('one waits, paused; who takes it gets it running and unclaimed, and another comes', testTimeout, async (t) => {
  const { pool, driver, paused, until, alive } = await open(t);
  pool.start();
  await until(() => paused.length === 1);
  const machine = await pool.take('headless');
  assert.ok(machine);
  assert.equal(machine.id, paused[0]);
  assert.equal((await machine.agent.health()).claimed, false);
  assert.ok(driver.agentOf(machine.id).preparation);
  await until(() => paused.length === 2);
  assert.notEqual(paused[1], machine.id);
  assert.equal((await alive()).length, 2);
  await machine.destroy();
});

test('of many who take one each gets its own, and who finds none is told', testTimeout, async (t) => {
  const { pool, paused, until } = await open(t, { settings: { headless: { min: 2, max: 2 } } });
  pool.start();
  await until(() => paused.length === 2);
  const taken = await Promise.all([pool.take('headless'), pool.take('headless'), pool.take('headless')]);
  const ids = taken.flatMap((machine) => (machine ? [machine.id] : []));
  assert.equal(new Set(ids).size, 2);
  assert.deepEqual(ids.toSorted(), paused.slice(0, 2).toSorted());
  assert.equal(await pool.take('desktop'), null);
  await Promise.all(taken.map((machine) => machine?.destroy()));
});

test('one that died is replaced, and one that does not answer is not given away', testTimeout, async (t) => {
  const { pool, driver, paused, until } = await open(t);
  pool.start();
  await until(() => paused.length === 1);
  await driver.kill(paused[0] as SandboxId);
  await until(() => paused.length === 2);
  await driver.agentOf(paused[1] as SandboxId).close();
  assert.equal(await pool.take('headless'), null);
  await until(async () => paused.length === 3 && !(await driver.list()).some(({ id }) => id === paused[1]));
  const machine = await pool.take('headless');
  assert.ok(machine);
  assert.equal(machine.id, paused[2]);
  await machine.destroy();
});

test('one that has waited too long is replaced', testTimeout, async (t) => {
  const { pool, paused, until, alive, clock } = await open(t, { settings: { maxAgeMs: 60_000 } });
  pool.start();
  await until(() => paused.length === 1);
  clock.jump(61_000);
  await until(async () => paused.length === 2 && !(await alive()).includes(paused[0] as SandboxId));
});

test('a desktop waits only when its windows are there', testTimeout, async (t) => {
  const settings = { desktop: { min: 1, max: 1 }, headless: none };
  const { pool, paused, until } = await open(t, { settings });
  pool.start();
  await until(() => paused.length === 1);
  const machine = await pool.take('desktop');
  assert.ok(machine);
  assert.equal(machine.id, paused[0]);
  await machine.destroy();
});

test('none is made where memory or room is short, and one gives way to who needs the room', testTimeout, async (t) => {
  const poor = await open(t, { freeMiB: 1000, settings: { reserveMiB: 1000 } });
  poor.pool.start();
  for (let look = 0; look < 5; look += 1) {
    poor.clock.jump(20_000);
    await new Promise(setImmediate);
  }
  assert.deepEqual(poor.created, []);

  const full = await open(t, { atMost: 1 });
  full.pool.start();
  await full.until(() => full.paused.length === 1);
  await full.pool.makeRoom();
  assert.deepEqual(await full.alive(), []);
});

test('a stop leaves none, also of those that are coming up', testTimeout, async (t) => {
  const { pool, paused, until, alive } = await open(t, { settings: { headless: { min: 3, max: 3 } } });
  pool.start();
  await until(() => paused.length >= 1);
  await pool.stop();
  assert.deepEqual(await alive(), []);
  assert.deepEqual(pool.waiting(), { desktop: 0, headless: 0 });
});
