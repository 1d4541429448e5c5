import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits, newId, type RunStreamEvent } from '@polydev/protocol';
import { Secret } from '../credentials/secret.ts';
import { createVault } from '../credentials/vault.ts';
import { authSessions, credentials, runs, sandboxes } from '../store/schema.ts';
import { claudeBundle, openStage, testTimeout } from '../testing/stage.ts';
import { gate, sayDone, sayText, type ToolRun } from '../testing/tool.ts';

const ask = { provider: 'claude_code', prompt: 'hi' } as const;

test(
  'what a controller could not keep has ended after the next start, and nothing of it is left',
  testTimeout,
  async (t) => {
    const stage = await openStage(t);
    const provider = 'claude_code';
    const connected = await stage.connect();
    const [sessionId, runId, sandboxId] = [newId('session'), newId('run'), newId('sandbox')];
    const ofUser = { userId: stage.user.id, provider, createdAtMs: 1 } as const;
    const account = {};
    const vault = createVault(stage, stage.masterKey);
    const unproven = await vault.putUnproven({
      ...{ userId: stage.user.id, provider, label: 'default', account },
      bundle: new Secret(claudeBundle('an-unproven-refresh-token')),
    });
    await stage.db.insert(authSessions).values({
      ...{ ...ofUser, id: sessionId, label: 'default', state: 'verifying', sandboxId, captureId: unproven.id },
      ...{ expiresAtMs: Date.now() + 60_000, hardExpiresAtMs: Date.now() + 60_000 },
    });
    await stage.db
      .insert(runs)
      .values({ ...ofUser, credentialId: connected.id, prompt: 'hi', deadlineMs: 1_000, id: runId, state: 'running' });
    await stage.db
      .insert(sandboxes)
      .values({ id: sandboxId, profile: 'desktop', state: 'claimed', owner: sessionId, createdAtMs: 1 });
    const size = { memoryMiB: 256, cpus: 1, processes: 64, diskMiB: 64, homeMiB: 64 };
    const spec = { profile: 'desktop', image: 'f'.repeat(64), token: 't'.repeat(32), limits: size } as const;
    await stage.driver.create({ ...spec, id: sandboxId });

    await stage.recover();
    const session = await stage.services.sessions.get(stage.user, sessionId);
    assert.equal(session.state, 'failed');
    assert.equal(session.reason?.code, 'controller_restarted');
    assert.equal((await stage.sessionEvents(sessionId)).at(-1)?.type, 'destroyed');
    const run = await stage.services.runs.get(stage.user, runId);
    assert.equal(run.state, 'failed');
    assert.equal(run.reason?.code, 'controller_restarted');
    assert.deepEqual(await stage.services.credentials.list(stage.user), [connected]);
    await stage.assertClean();
  },
);

test('a sign-in that had ended as its controller died is closed by the next start, once', testTimeout, async (t) => {
  const stage = await openStage(t);
  const id = newId('session');
  const ofUser = { userId: stage.user.id, provider: 'claude_code', label: 'default' } as const;
  const times = { createdAtMs: 1, endedAtMs: 2, expiresAtMs: 3, hardExpiresAtMs: 4 };
  await stage.db.insert(authSessions).values({ ...ofUser, ...times, id, state: 'cancelled' });
  for (let starts = 0; starts < 2; starts += 1) await stage.recover();
  assert.deepEqual(await stage.sessionEvents(id), [{ type: 'destroyed' }]);
});

test('an unproven credential that belongs to nobody is forgotten, but not at once', testTimeout, async (t) => {
  const stage = await openStage(t);
  await createVault(stage, stage.masterKey).putUnproven({
    ...{ userId: stage.user.id, provider: 'claude_code', label: 'default', account: {} },
    bundle: new Secret(claudeBundle('an-unproven-refresh-token')),
  });
  await stage.recover();
  await assert.rejects(stage.assertClean());
  stage.clock.jump(2 * limits.proofMs + 1);
  await stage.recover();
  await stage.assertClean();
});

test('what nobody needs is also forgotten by a controller that runs on', testTimeout, async (t) => {
  const stage = await openStage(t);
  await createVault(stage, stage.masterKey).putUnproven({
    ...{ userId: stage.user.id, provider: 'claude_code', label: 'default', account: {} },
    bundle: new Secret(claudeBundle('an-unproven-refresh-token')),
  });
  await stage.start();
  stage.clock.jump(60 * 60 * 1000);
  while ((await stage.db.select().from(credentials)).length > 0)
    await new Promise((resolve) => setTimeout(resolve, 20));
});

test('a sign-in goes on after a restart, in the same desktop, from where it was', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { session, agent } = await stage.signIn();
  agent.emitDesktop('terminal', true);
  agent.emitOpened('https://claude.com/cai/oauth/authorize');
  await stage.untilSession(session.id, (event) => event.type === 'state' && event.state === 'signing_in');

  await stage.restart();
  assert.equal((await stage.services.sessions.get(stage.user, session.id)).state, 'signing_in');
  const access = await stage.services.sessions.display(session.id, new AbortController().signal);
  assert.equal(access.port, agent.endpoint.port);
  agent.emitCredential(claudeBundle('second-refresh-token'));
  const events = await stage.sessionEvents(session.id);
  const ended = await stage.services.sessions.get(stage.user, session.id);
  assert.equal(ended.state, 'connected');
  // Nothing was lost, and nothing said twice.
  const said = events.flatMap((event) => (event.type === 'state' ? [event.state] : [event.type]));
  assert.deepEqual(said, [
    ...['pending', 'starting', 'desktop', 'ready', 'opened', 'signing_in'],
    ...['credential_found', 'sealed', 'captured', 'verifying', 'proof', 'connected', 'destroyed'],
  ]);
  assert.ok(ended.credentialId);
  assert.match(await stage.opened(ended.credentialId), /second-refresh-token/);
  await stage.assertClean();
});

test('a proof that was under way is made again, on what was captured', testTimeout, async (t) => {
  const stage = await openStage(t);
  const started = gate();
  stage.script.run = (_, process) => {
    started.open();
    return new Promise((resolve) => process.signal.addEventListener('abort', () => resolve(1), { once: true }));
  };
  const { session, agent } = await stage.signIn();
  agent.emitDesktop('terminal', true);
  agent.emitCredential(claudeBundle('second-refresh-token'));
  await started.wait;

  const finish: ToolRun = (_, process) => {
    sayText(process, 'OK');
    sayDone(process);
    return 0;
  };
  stage.script.run = finish;
  await stage.restart();
  await stage.untilSession(session.id, (event) => event.type === 'destroyed');
  const ended = await stage.services.sessions.get(stage.user, session.id);
  assert.equal(ended.state, 'connected');
  assert.ok(ended.credentialId);
  assert.match(await stage.opened(ended.credentialId), /second-refresh-token/);
  await stage.assertClean();
});

test('a desktop that was taken up after a restart and then dies ends its sign-in', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { session, agent } = await stage.signIn();
  agent.emitDesktop('terminal', true);
  await stage.untilSession(session.id, (event) => event.type === 'state' && event.state === 'ready');
  await stage.restart();
  const [sandbox] = await stage.driver.list();
  assert.ok(sandbox);
  await stage.driver.kill(sandbox.id);
  await stage.sessionEvents(session.id);
  const { state, reason } = await stage.services.sessions.get(stage.user, session.id);
  assert.deepEqual([state, reason?.code], ['failed', 'sandbox_failed']);
  await stage.assertClean();
});

test(
  'a sign-in whose desktop died while the controller was away is over before anybody asks',
  testTimeout,
  async (t) => {
    const stage = await openStage(t);
    const { session, agent } = await stage.signIn();
    agent.emitDesktop('terminal', true);
    await stage.untilSession(session.id, (event) => event.type === 'state' && event.state === 'ready');
    const [sandbox] = await stage.driver.list();
    assert.ok(sandbox);
    await stage.handOver();
    await stage.driver.kill(sandbox.id);
    await stage.restart();
    const { state, reason } = await stage.services.sessions.get(stage.user, session.id);
    assert.deepEqual([state, reason?.code], ['failed', 'controller_restarted']);
    await stage.assertClean();
  },
);

test('the time to sign in goes on while the controller is away', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { session } = await stage.signIn();
  await stage.handOver();
  stage.clock.jump(limits.signInHardMs);
  await stage.restart();
  await stage.untilSession(session.id, (event) => event.type === 'destroyed');
  assert.equal((await stage.services.sessions.get(stage.user, session.id)).state, 'expired');
  await stage.assertClean();
});

test(
  'a run goes on after a restart: no word is lost or said twice, and a new token is kept',
  testTimeout,
  async (t) => {
    const stage = await openStage(t);
    const { id: credentialId } = await stage.connect();
    const half = gate();
    const more = gate();
    stage.script.run = async (_, process, agent) => {
      for (const word of ['one ', 'two ', 'three ']) sayText(process, word);
      half.open();
      await more.wait;
      for (const word of ['four ', 'five']) sayText(process, word);
      agent.hold({ status: 'valid', bundle: claudeBundle('a-rotated-refresh-token'), changed: true });
      sayDone(process);
      return 0;
    };
    const run = await stage.services.runs.start(stage.user, ask);
    await half.wait;
    await stage.untilRun(run.id, (event) => textOf([event]).length > 0);
    const waiting = await stage.services.runs.start(stage.user, ask);

    const restarted = stage.restart();
    stage.clock.jump(limits.drainMs);
    await restarted;
    assert.equal((await stage.services.runs.get(stage.user, run.id)).state, 'running');
    more.open();
    const events = await stage.runEvents(run.id);
    const ended = await stage.services.runs.get(stage.user, run.id);
    assert.equal(ended.state, 'succeeded', JSON.stringify(ended.reason));
    assert.equal(ended.answer, 'one two three four five');
    assert.equal(textOf(events), 'one two three four five');
    assert.deepEqual(
      events.flatMap((event) => (event.type === 'state' ? [event.state] : [])),
      ['queued', 'starting', 'running', 'succeeded'],
    );
    assert.match(await stage.opened(credentialId), /a-rotated-refresh-token/);
    await stage.runEvents(waiting.id);
    assert.equal((await stage.services.runs.get(stage.user, waiting.id)).state, 'succeeded');
    await stage.assertClean();
  },
);

test(
  'what a run renews after a restart is kept, unless the account was connected anew meanwhile',
  testTimeout,
  async (t) => {
    for (const anew of [false, true]) {
      const stage = await openStage(t);
      const { id, version } = await stage.connect('first-refresh-token');
      const more = gate();
      stage.script.run = async (_, process, agent) => {
        agent.renew(claudeBundle('second-refresh-token'));
        sayText(process, 'one');
        await more.wait;
        agent.hold({ status: 'valid', bundle: claudeBundle('third-refresh-token'), changed: true });
        sayDone(process);
        return 0;
      };
      const run = await stage.services.runs.start(stage.user, ask);
      const changes = await stage.services.changes.follow(stage.user, 0, AbortSignal.timeout(testTimeout.timeout));
      for await (const _ of changes)
        if ((await stage.services.credentials.list(stage.user))[0]?.version !== version) break;
      if (anew) assert.equal((await stage.connect('token-of-the-new-sign-in')).id, id);
      const restarted = stage.restart();
      stage.clock.jump(limits.drainMs);
      await restarted;
      more.open();
      await stage.runEvents(run.id);
      assert.equal((await stage.services.runs.get(stage.user, run.id)).state, 'succeeded');
      assert.match(await stage.opened(id), anew ? /token-of-the-new-sign-in/ : /third-refresh-token/);
      await stage.assertClean();
    }
  },
);

test('what waits is taken over by another controller when its own hands over', testTimeout, async (t) => {
  const stage = await openStage(t);
  await stage.connect();
  const held = gate();
  stage.script.run = async (_, process) => {
    await held.wait;
    sayText(process, 'done');
    sayDone(process);
    return 0;
  };
  const running = await stage.services.runs.start(stage.user, ask);
  const waiting = await stage.services.runs.start(stage.user, ask);
  await stage.untilRun(running.id, (event) => event.type === 'state' && event.state === 'running');
  await stage.handOver();
  // The tool goes on in the first one's sandbox, with the same credential.
  const other = await stage.openOther();
  await stage.restart();
  held.open();
  await stage.runEvents(running.id);
  assert.equal((await stage.services.runs.get(stage.user, running.id)).state, 'succeeded');
  for await (const _ of await other.services.runs.events(stage.user, waiting.id, 0, AbortSignal.timeout(60_000)));
  assert.equal((await other.services.runs.get(stage.user, waiting.id)).state, 'succeeded');
  assert.deepEqual(await other.driver.list(), []);
});

function textOf(events: readonly RunStreamEvent[]): string {
  return events
    .flatMap((event) => (event.type === 'event' && event.event.type === 'text' ? event.event.text : []))
    .join('');
}

test('a stop cancels what is under way, and waits until its sandboxes are gone', testTimeout, async (t) => {
  const stage = await openStage(t);
  await stage.connect();
  const { session, agent } = await stage.signIn();
  stage.script.run = (_, process) =>
    new Promise((resolve) => process.signal.addEventListener('abort', () => resolve(1), { once: true }));
  agent.emitCredential(claudeBundle('second-refresh-token'));
  const running = await stage.services.runs.start(stage.user, ask);
  const queued = await stage.services.runs.start(stage.user, ask);
  await stage.untilRun(running.id, (event) => event.type === 'state' && event.state === 'running');
  await stage.stop();
  assert.equal((await stage.services.sessions.get(stage.user, session.id)).state, 'cancelled');
  for (const { id } of [running, queued]) {
    assert.equal((await stage.services.runs.get(stage.user, id)).state, 'cancelled');
  }
  await stage.assertClean();
});
