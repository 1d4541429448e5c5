import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeDriver } from '@polydev/drivers/fake/driver';
import { newId, PolydevError, type SandboxId } from '@polydev/protocol';
import * as box from '@polydev/vault/box';
import { pino } from 'pino';
import { openTestStore } from '../../store/testing.ts';
import { openStage, testTimeout } from '../../testing/stage.ts';
import { createSandboxRows } from '../rows.ts';
import { type AcquireRequest, createSandboxes } from '../sandboxes.ts';
import { createSlots } from '../slots.ts';

const never = new AbortController().signal;
const limits = { memoryMiB: 256, cpus: 1, processes: 64, diskMiB: 64, homeMiB: 64 };

async function open(t: Parameters<typeof openTestStore>[0], driver = createFakeDriver({ box }), extraCa?: string) {
  const rows = createSandboxRows(await openTestStore(t));
  const known = new Map<string, unknown>();
  let logged = '';
  const write = (line: string) => {
    logged += line;
  };
  const sandboxes = createSandboxes({
    driver,
    rows,
    egress: { grant: (source, grant) => void known.set(source, grant), revoke: (source) => void known.delete(source) },
    image: async () => 'f'.repeat(64),
    limits: { desktop: limits, headless: limits },
    maxSandboxes: 2,
    extraCa,
    log: pino({}, { write }),
  });
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
    await sandboxes.stop().catch(() => {});
    await driver.close({ keep: false }).catch(() => {});
  });
  return { sandboxes, driver, rows, known, request, logged: () => logged };
}

test('a sandbox is claimed for one purpose, known to the gateway, and gone when released', testTimeout, async (t) => {
  const { sandboxes, driver, rows, known, request } = await open(t, undefined, 'a certificate');
  const sandbox = await sandboxes.acquire(request);
  const { claim, spec } = driver.agentOf(sandbox.id);
  assert.equal(claim?.provider, 'openai_codex');
  assert.equal(claim.extraCa, 'a certificate');
  assert.equal(claim.capture, false);
  assert.ok(spec.token.length >= 32);
  const [info] = await driver.list();
  const grant = { sandboxId: sandbox.id, userId: request.userId, provider: request.provider };
  assert.deepEqual(known.get(info?.address.source ?? ''), grant);
  assert.deepEqual(
    (await rows.list()).map(({ id, state, owner }) => ({ id, state, owner })),
    [{ id: sandbox.id, state: 'claimed', owner: request.owner }],
  );
  assert.equal(sandboxes.userOf(sandbox.id), request.userId);

  await Promise.all([sandbox.release(), sandbox.release()]);
  assert.equal(sandbox.gone.aborted, true);
  assert.deepEqual([await driver.list(), await rows.list(), [...known]], [[], [], []]);
  assert.equal(sandboxes.userOf(sandbox.id), null);
});

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

test('the death of a sandbox is heard at once', testTimeout, async (t) => {
  const { sandboxes, driver, rows, request } = await open(t);
  const sandbox = await sandboxes.acquire(request);
  const gone = new Promise<void>((resolve) => sandbox.gone.addEventListener('abort', () => resolve()));
  await driver.kill(sandbox.id);
  await gone;
  assert.equal(sandbox.gone.reason.code, 'sandbox_failed');
  await sandbox.release();
  assert.deepEqual([await driver.list(), await rows.list()], [[], []]);
});

test('what would not go is said loudly, and swept at the next start', testTimeout, async (t) => {
  const real = createFakeDriver({ box });
  let stuck = true;
  const destroy = async (id: SandboxId) => {
    if (stuck) throw new PolydevError('sandbox_failed', 'A mount is still there.');
    await real.destroy(id);
  };
  const { sandboxes, rows, request, logged } = await open(t, { ...real, destroy });
  const sandbox = await sandboxes.acquire(request);
  await sandbox.release();
  assert.match(logged(), /A mount is still there/);
  assert.deepEqual(
    (await rows.list()).map(({ state }) => state),
    ['failed'],
  );
  stuck = false;
  await sandboxes.sweep();
  assert.deepEqual([await real.list(), await rows.list()], [[], []]);
});

test(
  'who waits for a free sandbox gets the next, and who stops waiting loses nothing for others',
  testTimeout,
  async (t) => {
    const slots = createSlots(1);
    const free = slots.take();
    assert.throws(() => slots.take(), { code: 'capacity' });
    const impatient = new AbortController();
    const given = assert.rejects(slots.wait(impatient.signal), { code: 'run_cancelled' });
    const next = slots.wait(never);
    impatient.abort(new PolydevError('run_cancelled', 'Enough.'));
    await given;
    free();
    free();
    (await next)();
    slots.take()();
    void t;
  },
);

test('one who is woken and aborted in the same moment passes the sandbox on', async () => {
  const slots = createSlots(1);
  const free = slots.take();
  const impatient = new AbortController();
  const given = assert.rejects(slots.wait(impatient.signal), { code: 'run_cancelled' });
  impatient.abort(new PolydevError('run_cancelled', 'Enough.'));
  free();
  await given;
  slots.take()();
});

test('people see their own sandboxes, an owner all of them', testTimeout, async (t) => {
  const stage = await openStage(t);
  const member = await stage.addUser('member');
  const { session } = await stage.signIn();
  const { sandboxes } = stage.services;
  const [sandbox] = await sandboxes.list(stage.user);
  assert.equal(sandbox?.owner, session.id);
  assert.match(await sandboxes.console(stage.user, sandbox.id), /fake agent started/);
  assert.deepEqual(await sandboxes.list(member), []);
  await assert.rejects(sandboxes.console(member, sandbox.id), { code: 'not_found' });
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
  const { sandboxes, rows, request } = await open(t, { ...real, destroy });
  const id = newId('sandbox');
  await rows.insert({ id, profile: 'headless', owner: request.owner, state: 'booting', createdAtMs: 1 });
  await sandboxes.sweep();
  assert.deepEqual([destroyed, await rows.list()], [[id], []]);
});
