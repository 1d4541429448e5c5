import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeDriver } from '@polydev/drivers/fake/driver';
import { PolydevError, type SandboxId, limits as shared } from '@polydev/protocol';
import * as box from '@polydev/vault/box';
import { openStage, testTimeout } from '../../testing/stage.ts';
import { hangs } from '../../testing/tool.ts';
import { costMiB } from '../room.ts';
import { never, openSandboxes } from './open-sandboxes.ts';

test(
  'where the host has no memory left none is made, and who does not wait for long is told when to come back',
  testTimeout,
  async (t) => {
    const { sandboxes, driver, request, clock } = await openSandboxes(t, {
      driver: createFakeDriver({ box, freeMiB: 280 }),
    });
    const given = assert.rejects(sandboxes.acquire(request), (error) => {
      assert.ok(error instanceof PolydevError);
      assert.equal(error.code, 'capacity');
      assert.ok(Number(error.details.retryAfterSeconds) > 0);
      return true;
    });
    clock.jump(shared.lineMs);
    await given;
    assert.deepEqual(await driver.list(), []);
  },
);

test('who waits gets one as soon as there is memory for it', testTimeout, async (t) => {
  const { sandboxes, driver, request, clock } = await openSandboxes(t);
  driver.memory = async () => ({ freeMiB: 100 });
  const given = sandboxes.acquire({ ...request, wait: true });
  clock.jump(shared.lineMs);
  await new Promise(setImmediate);
  assert.deepEqual(await driver.list(), []);
  driver.memory = async () => ({ freeMiB: 1_000 });
  clock.jump(1_000);
  await (await given).release();
});

test('of many who ask at once only so many are made as there is memory for', testTimeout, async (t) => {
  const { sandboxes, driver, request, clock } = await openSandboxes(t, { atMost: 20 });
  const roomFor = (count: number) => ({ freeMiB: shared.hostFreeMiB + count * costMiB.desktop });
  driver.memory = async () => roomFor(1);
  const wanted = { ...request, profile: 'desktop', wait: true } as const;
  const given = Array.from({ length: 10 }, () => sandboxes.acquire(wanted));
  const first = await Promise.any(given);
  clock.jump(shared.lineMs);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal((await driver.list()).length, 1);
  driver.memory = async () => roomFor(10);
  clock.jump(1_000);
  const all = await Promise.all(given);
  assert.ok(all.includes(first));
  await Promise.all(all.map(({ release }) => release()));
  assert.deepEqual(await driver.list(), []);
});

test('a sandbox that would not go yet keeps its room, and is waited for', testTimeout, async (t) => {
  const real = createFakeDriver({ box });
  let isStuck = true;
  const destroy = async (id: SandboxId) => {
    if (isStuck) throw new PolydevError('sandbox_failed', 'A mount is still there.');
    await real.destroy(id);
  };
  const { sandboxes, rows, request, clock } = await openSandboxes(t, { atMost: 1, driver: { ...real, destroy } });
  const first = await sandboxes.acquire(request);
  await first.release();
  let isGiven = false;
  const given = sandboxes.acquire({ ...request, wait: true }).finally(() => {
    isGiven = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(isGiven, false);
  isStuck = false;
  while (!isGiven) {
    clock.jump(1_000);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal((await rows.find(first.id))?.state, 'gone');
  await (await given).release();
  assert.deepEqual([await real.list(), await rows.present()], [[], []]);
});

test('between runs that wait in line a sign-in of another person gets its turn', testTimeout, async (t) => {
  const stage = await openStage(t, { atMost: 1 });
  const { id: credentialId } = await stage.connect('one');
  const other = await stage.connect('two', 'other');
  stage.script.run = hangs;
  const ask = { provider: 'claude_code', prompt: 'ping' } as const;
  const first = await stage.services.runs.start(stage.user, { ...ask, credentialId });
  await stage.untilRun(first.id, (event) => event.type === 'event');
  const second = await stage.services.runs.start(stage.user, { ...ask, credentialId: other.id });
  const bob = await stage.addUser('member');
  const starting = stage.services.sessions.start(bob, { provider: 'claude_code' });
  while ((await stage.services.sessions.list(bob)).length === 0) await new Promise(setImmediate);
  await stage.services.runs.cancel(stage.user, first.id);
  const session = await starting;
  await stage.services.sessions.display(session.id, never);
  assert.equal((await stage.services.runs.get(stage.user, second.id)).state, 'queued');
  await stage.services.sessions.cancel(bob, session.id);
  await stage.untilRun(second.id, (event) => event.type === 'event');
  await stage.services.runs.cancel(stage.user, second.id);
  await stage.assertClean();
});
