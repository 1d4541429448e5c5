import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { type TestContext, test } from 'node:test';
import {
  type AgentEvent,
  boxContexts,
  type Claim,
  type CredentialBundle,
  type ExecEvent,
  newId,
  type Preparation,
  rfbUpgrade,
} from '@polydev/protocol';
import { plainBox } from '../../testing/plain-box.ts';
import { type FakeAgent, startFakeAgent } from '../agent.ts';

const timeout = 10_000;
const token = 'a'.repeat(32);
const bundle: CredentialBundle = { kind: 'api_key', provider: 'claude_code', apiKey: 'sk-test-key' };

async function agent(t: TestContext): Promise<{ fake: FakeAgent; ask: typeof fetch; url: string }> {
  const fake = await startFakeAgent(
    {
      id: newId('sandbox'),
      profile: 'desktop',
      image: '0123456789abcdef',
      token,
      limits: { memoryMiB: 256, cpus: 1, processes: 64, diskMiB: 64, homeMiB: 64 },
    },
    plainBox,
  );
  t.after(() => fake.close());
  const url = `http://${fake.endpoint.host}:${fake.endpoint.port}`;
  const headers = { authorization: `Bearer ${token}` };
  return { fake, url, ask: (path, init) => fetch(`${url}${path}`, { ...init, headers }) };
}

function post(body: unknown): RequestInit {
  return { method: 'POST', body: JSON.stringify(body) };
}

const controller = plainBox.createKeyPair();
const preparation: Preparation = { egress: { host: '127.0.0.1', port: 9 } };
const claim: Claim = {
  provider: 'claude_code',
  controllerPublicKey: controller.publicKey,
  capture: true,
};

async function* events<E>(answer: Response): AsyncGenerator<E> {
  let text = '';
  for await (const chunk of answer.body ?? []) {
    text += Buffer.from(chunk).toString();
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      yield JSON.parse(text.slice(0, end));
      text = text.slice(end + 1);
    }
  }
}

test('answers nobody without the token', { timeout }, async (t) => {
  const { url } = await agent(t);
  assert.equal((await fetch(`${url}/health`)).status, 401);
});

test('can be claimed once, after it was prepared once', { timeout }, async (t) => {
  const { ask, fake } = await agent(t);
  assert.equal((await ask('/credential/collect', { method: 'POST' })).status, 503);
  assert.equal((await ask('/claim', post(claim))).status, 503);
  assert.equal((await ask('/prepare', post(preparation))).status, 204);
  assert.equal((await ask('/prepare', post(preparation))).status, 409);
  assert.equal((await ask('/claim', post(claim))).status, 200);
  assert.equal((await ask('/claim', post(claim))).status, 409);
  assert.deepEqual(await fake.claimed, claim);
  assert.equal((await (await ask('/health')).json()).claimed, true);
});

test('tells what a test makes happen, numbered, from any number on, the credential sealed', { timeout }, async (t) => {
  const { ask, fake } = await agent(t);
  await ask('/prepare', post(preparation));
  await ask('/claim', post(claim));
  fake.emitDesktop('display', true);
  fake.emitOpened('https://claude.com/cai/oauth/authorize');
  const stream = events<AgentEvent>(await ask('/events?after=1'));
  fake.emitCredential(bundle, { email: 'a@example.com' });
  const opened = (await stream.next()).value;
  assert.deepEqual([opened.n, opened.type], [2, 'opened']);
  const seen = (await stream.next()).value;
  assert.equal(seen.type, 'credential');
  const plain = plainBox.openSealed(controller.privateKey, seen.sealed, boxContexts.toController);
  assert.deepEqual(JSON.parse(Buffer.from(plain).toString()), bundle);
});

test('keeps what was restored, and gives it back when it is collected', { timeout }, async (t) => {
  const { ask, fake } = await agent(t);
  await ask('/prepare', post(preparation));
  const { agentPublicKey } = await (await ask('/claim', post(claim))).json();
  const sealed = plainBox.sealTo(agentPublicKey, Buffer.from(JSON.stringify(bundle)), boxContexts.toAgent);
  assert.equal((await ask('/credential/restore', post({ sealed }))).status, 204);
  assert.deepEqual(fake.restored, bundle);
  const collected = await (await ask('/credential/collect', { method: 'POST' })).json();
  assert.deepEqual([collected.status, collected.changed], ['valid', false]);
  fake.hold({ status: 'blanked', changed: true });
  assert.equal((await (await ask('/credential/collect', { method: 'POST' })).json()).status, 'blanked');
});

test('runs what a test has scripted, until it ends, is cancelled or too late', { timeout }, async (t) => {
  const { ask, fake } = await agent(t);
  await ask('/prepare', post(preparation));
  await ask('/claim', post(claim));
  fake.onExec(async ({ id, stdin }, { stdout, signal }) => {
    stdout(`${id}: ${stdin}`);
    if (id !== 'quick') await once(signal, 'abort');
    return 7;
  });
  const request = { argv: ['claude'], env: {}, files: [], stdin: 'hi', deadlineMs: 60_000 };
  const outcome = async (id: string, deadlineMs = 60_000, cancel = false) => {
    assert.equal((await ask('/exec', post({ ...request, id, deadlineMs }))).status, 202);
    if (cancel) assert.equal((await ask(`/exec/${id}`, { method: 'DELETE' })).status, 204);
    const all: ExecEvent[] = [];
    for await (const event of events<ExecEvent>(await ask(`/exec/${id}/events?after=0`))) all.push(event);
    assert.deepEqual(
      all.map(({ n }) => n),
      all.map((_, index) => index + 1),
    );
    const last = all.at(-1);
    assert.equal(last?.type, 'exit');
    return last.type === 'exit' ? [last.code, last.reason] : [];
  };
  assert.deepEqual(await outcome('quick'), [7, 'ended']);
  assert.deepEqual(await outcome('cancelled', 60_000, true), [null, 'cancelled']);
  assert.deepEqual(await outcome('late', 30), [null, 'deadline']);
  assert.equal((await ask('/exec', post({ ...request, id: 'quick' }))).status, 409);
  assert.equal(fake.executions.length, 3);
});

test('shows a picture to a viewer, and keeps what the viewer types', { timeout }, async (t) => {
  const { fake, url } = await agent(t);
  const headers = { connection: 'Upgrade', upgrade: rfbUpgrade, authorization: `Bearer ${token}` };
  const [, viewer, early] = await once(request(`${url}/rfb`, { headers }).end(), 'upgrade');
  if (early.length > 0) viewer.unshift(early);
  t.after(() => viewer.destroy());
  let received = Buffer.alloc(0);
  viewer.on('data', (data: Buffer) => {
    received = Buffer.concat([received, data]);
    viewer.emit('more');
  });
  const take = async (count: number) => {
    while (received.length < count) await once(viewer, 'more');
    const taken = received.subarray(0, count);
    received = received.subarray(count);
    return taken;
  };
  assert.equal((await take(12)).toString(), 'RFB 003.008\n');
  viewer.write('RFB 003.008\n');
  assert.deepEqual([...(await take(2))], [1, 1]);
  viewer.write(Buffer.from([1]));
  assert.deepEqual([...(await take(4))], [0, 0, 0, 0]);
  viewer.write(Buffer.from([1]));
  const init = await take(28);
  const [width, height] = [init.readUInt16BE(0), init.readUInt16BE(2)];
  assert.equal(init.subarray(24).toString(), 'fake');

  const update = (incremental: number) => Buffer.from([3, incremental, 0, 0, 0, 0, 0, width, 0, height]);
  viewer.write(Buffer.concat([update(0), Buffer.from([4, 1, 0, 0, 0, 0, 0xff, 0x0d])])); // and Return
  const pictureBytes = 16 + width * height * 4;
  assert.equal((await take(pictureBytes))[3], 1);
  assert.deepEqual(fake.display.keys, [0xff0d]);

  viewer.write(update(1));
  viewer.write(Buffer.from([6, 0, 0, 0, 0, 0, 0, 2, 0x68, 0x69]));
  while (fake.display.clipboard.length === 0) await new Promise(setImmediate);
  fake.display.paint(0x112233);
  assert.deepEqual([...(await take(pictureBytes)).subarray(16, 19)], [0x33, 0x22, 0x11]);
  assert.deepEqual(fake.display.clipboard, ['hi']);
});

test('has a journal, which a test writes', { timeout }, async (t) => {
  const { fake, ask } = await agent(t);
  fake.setJournal('a unit failed\n');
  assert.deepEqual(await (await ask('/journal')).json(), { text: 'a unit failed\n' });
});
