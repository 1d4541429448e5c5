import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createFakeDriver, type FakeDriver } from '@polydev/drivers/fake/driver';
import { plainBox } from '@polydev/drivers/testing/plain-box';
import { newId, PolydevError, type SandboxExit, type SandboxSpec } from '@polydev/protocol';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { createHostdClient } from '../client.ts';
import { createHostdServer } from '../server.ts';

const timeout = 120_000;

async function scratchSocket(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'polydev-hostd-'));
  t.after(() => rm(folder, { recursive: true }));
  return join(folder, 'hostd.sock');
}

async function serve(path: string, driver: FakeDriver): Promise<FastifyInstance> {
  const server = createHostdServer({ driver, log: pino({ level: 'silent' }) });
  await server.listen({ path });
  return server;
}

function spec(): SandboxSpec {
  return {
    id: newId('sandbox'),
    profile: 'headless',
    image: '0123456789abcdef',
    token: 'a'.repeat(32),
    limits: { memoryMiB: 256, cpus: 1, processes: 64, diskMiB: 64, homeMiB: 64 },
  };
}

test('without hostd every call says that it is unavailable, and preflight says so as a finding', {
  timeout,
}, async (t) => {
  const client = createHostdClient({ socketPath: await scratchSocket(t) });
  t.after(() => client.close());
  client.onExit(() => undefined);
  const calls = [() => client.list(), () => client.create(spec()), () => client.destroy(newId('sandbox'))];
  for (const call of calls)
    await assert.rejects(call, (error) => error instanceof PolydevError && error.code === 'unavailable');
  const [finding] = await client.preflight();
  assert.equal(finding?.ok, false);
});

test('a sandbox that died while hostd was away is told once, when it is back', { timeout }, async (t) => {
  const socketPath = await scratchSocket(t);
  const driver = createFakeDriver({ box: plainBox });
  t.after(() => driver.close({ keep: false }));
  const client = createHostdClient({ socketPath });
  t.after(() => client.close());
  const told: SandboxExit[] = [];
  const first = new Promise((resolve) => client.onExit(resolve));
  client.onExit((exit) => told.push(exit));

  const before = await serve(socketPath, driver);
  const [dies, lives] = [spec(), spec()];
  await client.create(dies);
  await client.create(lives);
  await before.close();
  await driver.kill(dies.id);
  const after = await serve(socketPath, driver);
  t.after(() => after.close());

  assert.deepEqual(await first, { id: dies.id, reason: 'died' });
  assert.deepEqual(
    (await client.list()).map(({ state }) => state),
    ['dead', 'running'],
  );
  assert.equal(told.length, 1);
});

test('who listens hears of every end after its next call, also of sandboxes it has not made', {
  timeout,
}, async (t) => {
  const socketPath = await scratchSocket(t);
  const driver = createFakeDriver({ box: plainBox });
  t.after(() => driver.close({ keep: false }));
  const server = await serve(socketPath, driver);
  t.after(() => server.close());
  const wanted = spec();
  await driver.create(wanted);

  const client = createHostdClient({ socketPath });
  t.after(() => client.close());
  const died = new Promise((resolve) => client.onExit(resolve));
  await client.address(wanted.id);
  await driver.kill(wanted.id);
  assert.deepEqual(await died, { id: wanted.id, reason: 'died' });
});

test('an error of the driver arrives with its code, its details and its cause', { timeout }, async (t) => {
  const socketPath = await scratchSocket(t);
  const driver = createFakeDriver({
    box: plainBox,
    script: {
      onCreate() {
        throw new Error('the script says no');
      },
    },
  });
  t.after(() => driver.close({ keep: false }));
  const server = await serve(socketPath, driver);
  t.after(() => server.close());
  const client = createHostdClient({ socketPath });
  t.after(() => client.close());

  await assert.rejects(client.create(spec()), (error) => {
    assert.ok(error instanceof PolydevError);
    assert.equal(error.code, 'sandbox_failed');
    assert.match(String(error.cause), /the script says no/);
    assert.match(String(error.cause), /fake agent started/);
    return true;
  });
  const id = newId('sandbox');
  await assert.rejects(client.console(id), (error) => error instanceof PolydevError && error.details.id === id);
});

test('what does not fit the schema never reaches the driver', { timeout }, async (t) => {
  const socketPath = await scratchSocket(t);
  let asked = 0;
  const driver = createFakeDriver({ box: plainBox, script: { onCreate: () => void asked++ } });
  const server = await serve(socketPath, driver);
  t.after(() => server.close());
  const client = createHostdClient({ socketPath });
  t.after(() => client.close());
  const good = spec();
  const bad: unknown[] = [
    { ...good, id: '../../etc/passwd' },
    { ...good, image: '../current' },
    { ...good, limits: { ...good.limits, memoryMiB: '256' } },
    { ...good, token: 'short' },
  ];
  for (const body of bad)
    await assert.rejects(
      client.create(body as SandboxSpec),
      (error) => error instanceof PolydevError && error.code === 'invalid_request',
    );
  await assert.rejects(
    client.destroy('sbx_..%2F..%2Fetc' as `sbx_${string}`),
    (error) => error instanceof PolydevError && error.code === 'invalid_request',
  );
  assert.equal(asked, 0);
});
