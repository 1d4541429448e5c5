import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FakeDriver } from '@polydev/drivers/fake/driver';
import { costMiB } from '../../sandboxes/room.ts';
import { testTimeout } from '../../testing/stage.ts';
import { gate } from '../../testing/tool.ts';
import { openPool } from './open-pool.ts';

test('all that wait take no more memory than they may, whatever is wanted', testTimeout, async (t) => {
  const memoryMiB = 3 * costMiB.headless;
  const { pool, paused, created, clock } = await openPool(t, { settings: { headless: { min: 6, max: 6 }, memoryMiB } });
  pool.start();
  while (paused.length < 3) await new Promise((resolve) => setTimeout(resolve, 10));
  for (let looks = 0; looks < 5; looks += 1) {
    clock.jump(20_000);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(created.length, 3);
  assert.deepEqual(pool.waiting(), { desktop: 0, headless: 3 });
});

test('those that wait are given up one by one while the host has too little left', testTimeout, async (t) => {
  let freeMiB = 10_000;
  const { pool, paused, until, alive } = await openPool(t, {
    settings: { headless: { min: 3, max: 3 }, reserveMiB: 1_000 },
    change: (driver) => ({ ...driver, memory: async () => ({ freeMiB }) }),
  });
  pool.start();
  await until(() => paused.length === 3);
  freeMiB = 500;
  await until(async () => (await alive()).length === 0);
  freeMiB = 10_000;
  await until(async () => (await alive()).length === 3);
});

test('what was wanted for a while is given up when it is wanted no more', testTimeout, async (t) => {
  const { pool, paused, until, alive, clock } = await openPool(t, { settings: { headless: { min: 1, max: 4 } } });
  pool.start();
  await until(() => paused.length === 1);
  for (let claims = 0; claims < 60; claims += 1) pool.wanted('headless');
  clock.jump(20_000);
  while ((await alive()).length <= 1) await new Promise((resolve) => setTimeout(resolve, 10));
  // The clock goes on while this waits, past the ten minutes that the forecast looks back.
  await until(async () => (await alive()).length === 1);
});

test('the last place to come up is left to who wants one now', testTimeout, async (t) => {
  const boot = gate();
  let coming = 0;
  const change = (driver: FakeDriver): FakeDriver => ({
    ...driver,
    async create(spec) {
      coming += 1;
      await boot.wait;
      return await driver.create(spec);
    },
  });
  const settings = { headless: { min: 4, max: 4 } };
  const { pool, paused, until } = await openPool(t, { settings, atOnce: 2, change });
  pool.start();
  let looks = 0;
  await until(() => coming > 0 && ++looks > 20);
  assert.equal(coming, 1);
  boot.open();
  await until(() => paused.length === 4);
});
