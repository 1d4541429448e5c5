import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeDriver } from '@polydev/drivers/fake/driver';
import { newId, PolydevError, type SandboxId, limits as shared } from '@polydev/protocol';
import * as box from '@polydev/vault/box';
import { createMasterKey } from '@polydev/vault/master-key';
import { pino } from 'pino';
import { createDemand } from '../../pool/demand.ts';
import { createPool } from '../../pool/pool.ts';
import { openTestStore } from '../../store/testing.ts';
import { createJumpingClock } from '../../testing/clock.ts';
import { openStage, testTimeout } from '../../testing/stage.ts';
import { hangs } from '../../testing/tool.ts';
import { createKeyCase } from '../keys.ts';
import { createMachines } from '../machines.ts';
import { costMiB, createRoom } from '../room.ts';
import { createSandboxRows } from '../rows.ts';
import { type AcquireRequest, createSandboxes } from '../sandboxes.ts';

const never = new AbortController().signal;
const limits = { memoryMiB: 256, cpus: 1, processes: 64, diskMiB: 64, homeMiB: 64 };

interface Options {
  driver?: ReturnType<typeof createFakeDriver>;
  extraCa?: string;
  atMost?: number;
}

async function open(t: Parameters<typeof openTestStore>[0], options: Options = {}) {
  const { driver = createFakeDriver({ box }), extraCa, atMost = 2 } = options;
  const store = await openTestStore(t);
  const { events } = store;
  const controller = newId('controller');
  const rows = createSandboxRows(store, events, { controller, host: 'here' });
  const keyCase = createKeyCase(createMasterKey());
  const known = new Map<string, unknown>();
  const clock = createJumpingClock();
  let logged = '';
  const write = (line: string) => {
    logged += line;
  };
  const log = pino({}, { write });
  const profiles = { desktop: limits, headless: limits };
  const image = async () => 'f'.repeat(64);
  /** As a controller makes them when it starts. */
  const start = () => {
    const room = createRoom({ atMost, freeMiB: async () => (await driver.memory()).freeMiB });
    const machines = createMachines({
      ...{ driver, rows, keyCase, room, image, extraCa, clock, log },
      limits: profiles,
    });
    const none = { min: 0, max: 0 };
    const settings = { desktop: none, headless: none, reserveMiB: 0, memoryMiB: 0, maxAgeMs: 60_000 };
    const pool = createPool({
      ...{ machines, room, settings, clock, log },
      demand: createDemand(settings),
    });
    return createSandboxes({
      ...{ machines, pool, room, rows, keyCase, clock, host: 'here' },
      egress: {
        grant: (source, grant) => void known.set(source, grant),
        revoke: (source) => void known.delete(source),
      },
      listed: async () => (await driver.list()).map(({ id }) => id),
    });
  };
  const sandboxes = start();
  const request: AcquireRequest = {
    profile: 'headless',
    owner: newId('run'),
    userId: newId('user'),
    provider: 'openai_codex',
    capture: false,
    wait: false,
    signal: never,
  };
  t.after(async () => {
    await sandboxes.stop({ keep: false }).catch(() => {});
    await driver.close({ keep: false }).catch(() => {});
  });
  const states = async (id: SandboxId) => (await events.read(id, 0)).map(({ event }) => event.state);
  return { sandboxes, start, driver, rows, known, request, states, keyCase, clock, logged: () => logged };
}

test('a sandbox is claimed for one purpose, known to the gateway, and gone when released', testTimeout, async (t) => {
  const { sandboxes, driver, rows, known, request, states } = await open(t, { extraCa: 'a certificate' });
  const sandbox = await sandboxes.acquire(request);
  const { claim, preparation, spec } = driver.agentOf(sandbox.id);
  assert.equal(claim?.provider, 'openai_codex');
  assert.equal(preparation?.extraCa, 'a certificate');
  assert.equal(claim.capture, false);
  assert.ok(spec.token.length >= 32);
  const [info] = await driver.list();
  const grant = { sandboxId: sandbox.id, userId: request.userId, provider: request.provider };
  assert.deepEqual(known.get(info?.address.source ?? ''), grant);
  assert.deepEqual(
    (await rows.present()).map(({ id, state, owner }) => ({ id, state, owner })),
    [{ id: sandbox.id, state: 'claimed', owner: request.owner }],
  );

  await Promise.all([sandbox.release(), sandbox.release()]);
  assert.equal(sandbox.gone.aborted, true);
  assert.deepEqual([await driver.list(), await rows.present(), [...known]], [[], [], []]);
  assert.deepEqual(await states(sandbox.id), [
    ...['planned', 'creating', 'booting', 'idle', 'claimed', 'stopping', 'gone'],
  ]);
});

test('who asks while the host service starts again gets a sandbox when it is there', testTimeout, async (t) => {
  const { sandboxes, driver, request, rows } = await open(t);
  const { memory, create } = driver;
  const away = async () => {
    throw new PolydevError('unavailable', 'The host service does not answer.');
  };
  let asked = 0;
  driver.memory = () => (++asked <= 1 || asked === 3 ? away() : memory());
  driver.create = (spec) => {
    driver.create = create; // It ends once more, under a boot.
    return away().then(() => create(spec));
  };
  const sandbox = await sandboxes.acquire(request);
  assert.equal(asked, 4);
  assert.deepEqual(
    (await rows.present()).map(({ id }) => id),
    [sandbox.id],
  );
});

test(
  'who asks while the host service starts again, and thinks better of it, does not wait for it',
  testTimeout,
  async (t) => {
    const { sandboxes, driver, request } = await open(t);
    const cancel = new AbortController();
    driver.memory = async () => {
      cancel.abort(new PolydevError('run_cancelled', 'Enough.'));
      throw new PolydevError('unavailable', 'The host service does not answer.');
    };
    await assert.rejects(sandboxes.acquire({ ...request, signal: cancel.signal }), { code: 'run_cancelled' });
  },
);

test('what one sandbox seals does not open for another', testTimeout, async (t) => {
  const { sandboxes, driver, request } = await open(t);
  const [one, two] = [await sandboxes.acquire(request), await sandboxes.acquire(request)];
  const agent = driver.agentOf(one.id);
  agent.hold({
    status: 'valid',
    bundle: { kind: 'api_key', provider: 'openai_codex', apiKey: 'sk-12345678' },
    changed: true,
  });
  const { sealed } = await one.agent.collect();
  assert.ok(sealed);
  assert.match(Buffer.from(one.open(sealed)).toString(), /sk-12345678/);
  assert.throws(() => two.open(sealed), { code: 'agent_talks_nonsense' });
});

test('an address that another has by the end of a release stays the other’s', testTimeout, async (t) => {
  const real = createFakeDriver({ box });
  let takeOver = () => {};
  const destroy = async (id: SandboxId) => {
    await real.destroy(id);
    takeOver();
  };
  const { sandboxes, known, request } = await open(t, { driver: { ...real, destroy } });
  const sandbox = await sandboxes.acquire(request);
  const [source = ''] = known.keys();
  takeOver = () => void known.set(source, 'another');
  await sandbox.release();
  assert.deepEqual([...known], [[source, 'another']]);
});

test('the death of a sandbox is heard at once', testTimeout, async (t) => {
  const { sandboxes, driver, rows, request } = await open(t);
  const sandbox = await sandboxes.acquire(request);
  const gone = new Promise<void>((resolve) => sandbox.gone.addEventListener('abort', () => resolve()));
  await driver.kill(sandbox.id);
  await gone;
  assert.equal(sandbox.gone.reason.code, 'sandbox_failed');
  await sandbox.release();
  assert.deepEqual([await driver.list(), await rows.present()], [[], []]);
});

test('what would not go is said loudly, and swept at the next start', testTimeout, async (t) => {
  const real = createFakeDriver({ box });
  let stuck = true;
  const destroy = async (id: SandboxId) => {
    if (stuck) throw new PolydevError('sandbox_failed', 'A mount is still there.');
    await real.destroy(id);
  };
  const { sandboxes, rows, request, logged } = await open(t, { driver: { ...real, destroy } });
  const sandbox = await sandboxes.acquire(request);
  await sandbox.release();
  assert.match(logged(), /A mount is still there/);
  assert.deepEqual(
    (await rows.present()).map(({ state }) => state),
    ['failed'],
  );
  stuck = false;
  await sandboxes.recover(new Set());
  assert.deepEqual([await real.list(), await rows.present()], [[], []]);
});

test('people see their own sandboxes, an owner all of them', testTimeout, async (t) => {
  const stage = await openStage(t);
  const member = await stage.addUser('member');
  const { session } = await stage.signIn();
  const { sandboxes } = stage.services;
  const [present] = await sandboxes.list(stage.user);
  assert.ok(present);
  for await (const { event } of await sandboxes.events(stage.user, present.id, 0, never))
    if (event.state === 'claimed') break;
  const sandbox = await sandboxes.get(stage.user, present.id);
  assert.equal(sandbox.owner, session.id);
  assert.match(await sandboxes.console(stage.user, sandbox.id), /fake agent started/);
  assert.deepEqual(await sandboxes.list(member), []);
  await assert.rejects(sandboxes.console(member, sandbox.id), { code: 'not_found' });
  await assert.rejects(sandboxes.get(member, sandbox.id), { code: 'not_found' });
  await assert.rejects(sandboxes.events(member, sandbox.id, 0, never), { code: 'not_found' });
  assert.deepEqual(await sandboxes.status(), { hostd: true, image: 'f'.repeat(64), sandboxes: 1 });
  await stage.services.sessions.cancel(stage.user, session.id);
  await assert.rejects(sandboxes.console(stage.user, sandbox.id), { code: 'not_found' });
});

test('a sandbox that was still booting when its controller died is swept as well', testTimeout, async (t) => {
  const real = createFakeDriver({ box });
  const destroyed: SandboxId[] = [];
  const destroy = async (id: SandboxId) => {
    destroyed.push(id);
    await real.destroy(id);
  };
  const { sandboxes, rows } = await open(t, { driver: { ...real, destroy } });
  const id = newId('sandbox');
  await rows.insert({ id, profile: 'headless', owner: null, userId: null, provider: null, keys: null });
  await rows.move(id, 'creating');
  await sandboxes.recover(new Set());
  assert.deepEqual([destroyed, await rows.present()], [[id], []]);
});

test('one that was let go is taken up by who starts next, and goes on', testTimeout, async (t) => {
  const { sandboxes, start, driver, known, request } = await open(t);
  const sandbox = await sandboxes.acquire(request);
  sandbox.letGo();
  assert.deepEqual([...known], []);
  await sandboxes.stop({ keep: false });
  assert.equal((await driver.list()).length, 1);

  const next = start();
  await next.recover(new Set([request.owner]));
  const again = await next.adopt(request.owner);
  assert.equal(again?.id, sandbox.id);
  assert.equal(known.size, 1);
  const bundle = { kind: 'api_key', provider: 'openai_codex', apiKey: 'sk-12345678' } as const;
  driver.agentOf(sandbox.id).hold({ status: 'valid', bundle, changed: true });
  const { sealed } = await again.agent.collect();
  assert.ok(sealed);
  assert.match(Buffer.from(again.open(sealed)).toString(), /sk-12345678/);
  await again.agent.restore(again.seal(Buffer.from(JSON.stringify(bundle))));
  assert.equal(await next.adopt(request.owner), null);
  await next.stop({ keep: false });
  assert.deepEqual([await driver.list(), [...known]], [[], []]);
});

test('one that died meanwhile is not taken up, and nothing of it is left', testTimeout, async (t) => {
  const { sandboxes, start, driver, rows, request } = await open(t);
  const sandbox = await sandboxes.acquire(request);
  sandbox.letGo();
  await sandboxes.stop({ keep: false });
  await driver.kill(sandbox.id);
  const next = start();
  await next.recover(new Set([request.owner]));
  assert.equal(await next.adopt(request.owner), null);
  assert.deepEqual([await driver.list(), await rows.present()], [[], []]);
});

test('keys of one sandbox do not open as those of another', testTimeout, async (t) => {
  const { keyCase } = await open(t);
  const [one, two] = [newId('sandbox'), newId('sandbox')];
  const sealed = keyCase.seal(one, { token: 'a token' });
  assert.deepEqual(keyCase.open(one, sealed), { token: 'a token' });
  assert.throws(() => keyCase.open(two, sealed), { code: 'credential_moved' });
  assert.doesNotMatch(sealed, /a token/);
});

test(
  'where the host has no memory left none is made, and who does not wait for long is told when to come back',
  testTimeout,
  async (t) => {
    const { sandboxes, driver, request, clock } = await open(t, { driver: createFakeDriver({ box, freeMiB: 280 }) });
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
  const { sandboxes, driver, request, clock } = await open(t);
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
  const { sandboxes, driver, request, clock } = await open(t, { atMost: 20 });
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
  let failures = 2;
  const destroy = async (id: SandboxId) => {
    if (failures-- > 0) throw new PolydevError('sandbox_failed', 'A mount is still there.');
    await real.destroy(id);
  };
  const { sandboxes, rows, request, clock } = await open(t, { atMost: 1, driver: { ...real, destroy } });
  const first = await sandboxes.acquire(request);
  await first.release();
  let isGiven = false;
  const given = sandboxes.acquire({ ...request, wait: true }).finally(() => {
    isGiven = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(isGiven, false);
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
  const session = await stage.services.sessions.start(bob, { provider: 'claude_code' });
  await stage.services.runs.cancel(stage.user, first.id);
  await stage.services.sessions.display(session.id, never);
  assert.equal((await stage.services.runs.get(stage.user, second.id)).state, 'queued');
  await stage.services.sessions.cancel(bob, session.id);
  await stage.untilRun(second.id, (event) => event.type === 'event');
  await stage.services.runs.cancel(stage.user, second.id);
  await stage.assertClean();
});
