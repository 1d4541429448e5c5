import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeDriver } from '@polydev/drivers/fake/driver';
import { newId, PolydevError, type SandboxId } from '@polydev/protocol';
import * as box from '@polydev/vault/box';
import { openStage, testTimeout } from '../../testing/stage.ts';
import { never, openSandboxes } from './open-sandboxes.ts';

test('a sandbox is claimed for one purpose, known to the gateway, and gone when released', testTimeout, async (t) => {
  const { sandboxes, driver, rows, known, request, states } = await openSandboxes(t, { extraCa: 'a certificate' });
  const sandbox = await sandboxes.acquire(request);
  const { claim, preparation, spec } = driver.agentOf(sandbox.id);
  assert.equal(claim?.provider, 'openai_codex');
  assert.equal(preparation?.extraCa, 'a certificate');
  assert.equal(claim.capture, false);
  assert.ok(spec.token.length >= 32);
  const [info] = await driver.list();
  const grant = { sandboxId: sandbox.id, userId: request.userId, provider: request.provider };
  const { onRefused, ...granted } = known.get(info?.address.source ?? '') ?? {};
  assert.deepEqual(granted, grant);
  assert.equal(sandbox.refusal(), null);
  onRefused?.(new PolydevError('egress_refused', 'Port 444 of a.example is not open to sandboxes.'));
  assert.match(sandbox.refusal()?.message ?? '', /^Port 444/);
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
  const { sandboxes, driver, request, rows } = await openSandboxes(t);
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
    const { sandboxes, driver, request } = await openSandboxes(t);
    const cancel = new AbortController();
    driver.memory = async () => {
      cancel.abort(new PolydevError('run_cancelled', 'Enough.'));
      throw new PolydevError('unavailable', 'The host service does not answer.');
    };
    await assert.rejects(sandboxes.acquire({ ...request, signal: cancel.signal }), { code: 'run_cancelled' });
  },
);

test('what one sandbox seals does not open for another', testTimeout, async (t) => {
  const { sandboxes, driver, request } = await openSandboxes(t);
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
  const { sandboxes, known, request } = await openSandboxes(t, { driver: { ...real, destroy } });
  const sandbox = await sandboxes.acquire(request);
  const [source = ''] = known.keys();
  const { userId, provider } = request;
  const another = { sandboxId: newId('sandbox'), userId, provider, onRefused() {} };
  takeOver = () => void known.set(source, another);
  await sandbox.release();
  assert.deepEqual([...known], [[source, another]]);
});

test('the death of a sandbox is heard at once', testTimeout, async (t) => {
  const { sandboxes, driver, rows, request } = await openSandboxes(t);
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
  const { sandboxes, rows, request, logged } = await openSandboxes(t, { driver: { ...real, destroy } });
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

test('keys of one sandbox do not open as those of another', testTimeout, async (t) => {
  const { keyCase } = await openSandboxes(t);
  const [one, two] = [newId('sandbox'), newId('sandbox')];
  const sealed = keyCase.seal(one, { token: 'a token' });
  assert.deepEqual(keyCase.open(one, sealed), { token: 'a token' });
  assert.throws(() => keyCase.open(two, sealed), { code: 'credential_moved' });
  assert.doesNotMatch(sealed, /a token/);
});
