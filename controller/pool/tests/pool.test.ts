import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FakeDriver } from '@polydev/drivers/fake/driver';
import { limits, PolydevError, type SandboxId } from '@polydev/protocol';
import { costMiB } from '../../sandboxes/room.ts';
import { testTimeout } from '../../testing/stage.ts';
import { gate } from '../../testing/tool.ts';

import { never, none, openPool } from './open-pool.ts';

test('one waits, paused; who takes it gets it running and unclaimed, and another comes', testTimeout, async (t) => {
  const { pool, driver, paused, until, alive } = await openPool(t);
  pool.start();
  await until(() => paused.length === 1);
  const machine = await pool.take('headless', never);
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
  const { pool, paused, until } = await openPool(t, { settings: { headless: { min: 2, max: 2 } } });
  pool.start();
  await until(() => paused.length === 2);
  const taken = await Promise.all([
    pool.take('headless', never),
    pool.take('headless', never),
    pool.take('headless', never),
  ]);
  const ids = taken.flatMap((machine) => (machine ? [machine.id] : []));
  assert.equal(new Set(ids).size, 2);
  assert.deepEqual(ids.toSorted(), paused.slice(0, 2).toSorted());
  assert.equal(await pool.take('desktop', never), null);
  await Promise.all(taken.map((machine) => machine?.destroy()));
});

test('one that died is replaced, and one that does not answer is not given away', testTimeout, async (t) => {
  const { pool, driver, paused, until } = await openPool(t);
  pool.start();
  await until(() => paused.length === 1);
  await driver.kill(paused[0] as SandboxId);
  await until(() => paused.length === 2);
  await driver.agentOf(paused[1] as SandboxId).close();
  assert.equal(await pool.take('headless', never), null);
  await until(async () => paused.length === 3 && !(await driver.list()).some(({ id }) => id === paused[1]));
  const machine = await pool.take('headless', never);
  assert.ok(machine);
  assert.equal(machine.id, paused[2]);
  await machine.destroy();
});

test(
  'those that have waited too long go one by one, each when another has come up in its place',
  testTimeout,
  async (t) => {
    const settings = { maxAgeMs: 60_000, headless: { min: 2, max: 2 } };
    const { pool, paused, until, alive, clock } = await openPool(t, { settings });
    pool.start();
    await until(() => paused.length === 2);
    const first = [...paused];
    clock.jump(61_000);
    await until(async () => {
      const left = await alive();
      assert.ok(left.length >= 2, 'at no time fewer than before');
      return first.every((id) => !left.includes(id));
    });
    assert.equal((await alive()).length, 2);
  },
);

test('where there is no room for two, one that has waited too long goes first', testTimeout, async (t) => {
  const { pool, paused, until, alive, clock } = await openPool(t, { settings: { maxAgeMs: 60_000 }, atMost: 1 });
  pool.start();
  await until(() => paused.length === 1);
  clock.jump(61_000);
  await until(async () => paused.length === 2 && !(await alive()).includes(paused[0] as SandboxId));
});

test('while another cannot be made, one that has waited too long stays', testTimeout, async (t) => {
  let broken = false;
  const { pool, paused, until, alive, clock, created } = await openPool(t, {
    settings: { maxAgeMs: 60_000 },
    change: (driver) => ({
      ...driver,
      async create(spec) {
        if (!broken) return await driver.create(spec);
        created.push(spec.profile);
        throw new Error('Nothing boots any more.');
      },
    }),
  });
  pool.start();
  await until(() => paused.length === 1);
  broken = true;
  clock.jump(61_000);
  const before = created.length;
  await until(() => created.length >= before + 3);
  assert.deepEqual(await alive(), [paused[0]]);
});

test('one that could not be paused, as with a host service that is away, is paused later', testTimeout, async (t) => {
  let tries = 0;
  const { pool, paused, until } = await openPool(t, {
    change: (driver) => ({
      ...driver,
      async pause(id) {
        tries += 1;
        if (tries < 3) throw new PolydevError('unavailable', 'The host service does not answer.');
        await driver.pause(id);
      },
    }),
  });
  pool.start();
  await until(() => paused.length === 1);
  assert.equal(tries, 3);
});

test('a desktop waits only when its windows are there', testTimeout, async (t) => {
  const settings = { desktop: { min: 1, max: 1 }, headless: none };
  const { pool, paused, until } = await openPool(t, { settings });
  pool.start();
  await until(() => paused.length === 1);
  const machine = await pool.take('desktop', never);
  assert.ok(machine);
  assert.equal(machine.id, paused[0]);
  await machine.destroy();
});

test('none is made where memory or room is short, and one gives way to who needs the room', testTimeout, async (t) => {
  const poor = await openPool(t, { freeMiB: 1000, settings: { reserveMiB: 1000 } });
  poor.pool.start();
  for (let look = 0; look < 5; look += 1) {
    poor.clock.jump(20_000);
    await new Promise(setImmediate);
  }
  assert.deepEqual(poor.created, []);

  const full = await openPool(t, { atMost: 1 });
  full.pool.start();
  await full.until(() => full.paused.length === 1);
  await full.pool.makeRoom('headless');
  assert.equal((await full.alive()).includes(full.paused[0] as SandboxId), false);
});

test('none gives way where all of them would not be room enough', testTimeout, async (t) => {
  const needsMiB = limits.hostFreeMiB + costMiB.desktop;
  for (const [missingMiB, left] of [
    [1, 1],
    [0, 0],
  ] as const) {
    const freeMiB = needsMiB - costMiB.headless - missingMiB;
    const { pool, paused, until, alive } = await openPool(t, { freeMiB, settings: { reserveMiB: 0 } });
    pool.start();
    await until(() => paused.length === 1);
    await pool.makeRoom('desktop');
    const isLeft = (await alive()).includes(paused[0] as SandboxId);
    assert.equal(isLeft, left === 1, `${missingMiB} MiB are missing`);
  }
});

test('a stop leaves none, also of those that are coming up', testTimeout, async (t) => {
  const { pool, paused, until, alive } = await openPool(t, { settings: { headless: { min: 3, max: 3 } } });
  pool.start();
  await until(() => paused.length >= 1);
  await pool.stop({ keep: false });
  assert.deepEqual(await alive(), []);
  assert.deepEqual(pool.waiting(), { desktop: 0, headless: 0 });
});

test('who takes one each second does not keep the next from coming', testTimeout, async (t) => {
  const { pool, clock, created } = await openPool(t);
  pool.start();
  const taken: Promise<unknown>[] = [];
  for (let second = 0; second < 30; second += 1) {
    pool.wanted('headless');
    const machine = pool.take('headless', never)?.then((machine) => machine?.destroy());
    if (machine) taken.push(machine);
    clock.jump(1_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await Promise.all(taken);
  assert.ok(created.length > 2, `${created.length} in half a minute`);
});

test('memory is promised to one until it has shown its windows', testTimeout, async (t) => {
  const settings = { desktop: { min: 2, max: 2 }, headless: none };
  const { pool, until, clock, created, alive } = await openPool(t, { settings, freeMiB: 2 * 420 - 1, blank: true });
  pool.start();
  await until(async () => (await alive()).length === 1);
  for (let look = 0; look < 3; look += 1) {
    clock.jump(20_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.deepEqual(created, ['desktop']);
});

test('while the host service is away none is given and none is lost', testTimeout, async (t) => {
  let isAway = false;
  const change = (driver: FakeDriver): FakeDriver => ({
    ...driver,
    async resume(id) {
      if (isAway) throw new PolydevError('unavailable', 'The host service does not answer.');
      await driver.resume(id);
    },
  });
  const { pool, paused, until } = await openPool(t, { change });
  pool.start();
  await until(() => paused.length === 1);
  isAway = true;
  await assert.rejects(async () => await pool.take('headless', never), { code: 'unavailable' });
  assert.deepEqual(pool.waiting(), { desktop: 0, headless: 1 });
  isAway = false;
  const machine = await pool.take('headless', never);
  assert.equal(machine?.id, paused[0]);
  await machine?.destroy();
});

test('one whose boot ended with the host service is given to nobody again', testTimeout, async (t) => {
  const boot = Promise.withResolvers<never>();
  boot.promise.catch(() => {}); // It may end before it is asked for.
  let freeMiB = 10_000;
  const change = (driver: FakeDriver): FakeDriver => ({
    ...driver,
    create: () => boot.promise,
    memory: async () => ({ freeMiB }),
  });
  const { pool, until } = await openPool(t, { change });
  pool.start();
  await until(() => pool.waiting().headless === 1);
  const taken = pool.take('headless', never);
  // No other takes its place.
  freeMiB = 0;
  boot.reject(new PolydevError('unavailable', 'The host service does not answer.'));
  await assert.rejects(async () => await taken, { code: 'unavailable' });
  assert.deepEqual(pool.waiting(), { desktop: 0, headless: 0 });
});

test('one that does not wake in time goes, and who stops waiting for it leaves it', testTimeout, async (t) => {
  const hang = gate();
  const change = (driver: FakeDriver): FakeDriver => ({ ...driver, resume: () => hang.wait });
  const { pool, paused, until, alive } = await openPool(t, { change, wakeMs: 500 });
  pool.start();
  await until(() => paused.length === 1);
  const enough = new AbortController();
  const taken = pool.take('headless', enough.signal);
  enough.abort(new PolydevError('run_cancelled', 'Enough.'));
  await assert.rejects(async () => await taken, { code: 'run_cancelled' });
  assert.deepEqual(pool.waiting(), { desktop: 0, headless: 1 });
  assert.equal(await pool.take('headless', never), null);
  await until(async () => !(await alive()).includes(paused[0] as SandboxId));
});

test('those that are up are left to who starts next, if they are to be', testTimeout, async (t) => {
  const { pool, paused, until, alive } = await openPool(t);
  pool.start();
  await until(() => paused.length === 1);
  await pool.stop({ keep: true });
  assert.deepEqual(await alive(), paused);
});
