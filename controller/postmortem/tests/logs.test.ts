import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits, newId, type RunId, type SandboxId, type SessionEvent, type SessionId } from '@polydev/protocol';
import { authSessions, sandboxes, sandboxLogs } from '../../store/schema.ts';
import { claudeBundle, openStage, type Stage, testTimeout } from '../../testing/stage.ts';
import { hangs, limited, refused, toolSays } from '../../testing/tool.ts';
import { decodePng } from './decode-png.ts';

const ask = { provider: 'claude_code', prompt: 'hi' } as const;
const isReady = (event: SessionEvent) => event.type === 'state' && event.state === 'ready';

async function onlySandbox(stage: Stage): Promise<SandboxId> {
  const [sandbox] = await stage.driver.list();
  assert.ok(sandbox);
  return sandbox.id;
}

/** A run that a test waits for until its end. */
async function failedRun(stage: Stage): Promise<RunId> {
  const { id } = await stage.services.runs.start(stage.user, ask);
  await stage.runEvents(id);
  return id;
}

test('a sign-in whose machine dies leaves its logs, and the picture of a look before', testTimeout, async (t) => {
  const stage = await openStage(t);
  const api = stage.services.sandboxes;
  const { session, agent } = await stage.signIn();
  agent.setJournal('polydev-x.service: Failed with result.\n');
  agent.display.paint(0x00ff00);
  agent.emitDesktop('terminal', true);
  await stage.untilSession(session.id, isReady);
  const id = await onlySandbox(stage);

  const live = await api.logs(stage.user, id);
  assert.deepEqual([live.endedAtMs, live.reason, live.picture], [null, null, true]);
  assert.equal(live.console, 'fake agent started\n');
  assert.equal(live.journal, 'polydev-x.service: Failed with result.\n');
  await api.screenshot(stage.user, id);
  await stage.driver.kill(id);
  await stage.sessionEvents(session.id);
  await stage.assertClean();

  for (const known of [id, session.id]) {
    const { timeline, endedAtMs, ...logs } = await api.logs(stage.user, known);
    assert.ok(endedAtMs && endedAtMs >= logs.createdAtMs);
    assert.deepEqual(logs, {
      ...{ id, owner: session.id, profile: 'desktop', provider: 'claude_code', image: 'f'.repeat(64) },
      createdAtMs: live.createdAtMs,
      reason: { code: 'sandbox_failed', message: 'The sandbox died.', hint: logs.reason?.hint },
      ...{ console: live.console, journal: live.journal, picture: true },
    });
    const said = timeline.map((entry) => (entry.of === 'session' ? entry.event.type : entry.state));
    for (const word of ['booting', 'idle', 'claimed', 'desktop', 'destroyed'])
      assert.ok(said.includes(word as never), word);
    assert.deepEqual(
      timeline.map(({ atMs }) => atMs),
      timeline.map(({ atMs }) => atMs).sort((a, b) => a - b),
    );
    assert.equal(decodePng(await api.screenshot(stage.user, known)).colourAt(1, 1), 0x00ff00);
  }
});

test('one that runs out of time leaves a picture of its end', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { session, agent } = await stage.signIn();
  await stage.services.sessions.display(session.id, new AbortController().signal);
  agent.display.paint(0xff0000);
  stage.clock.jump(limits.signInDefaultMs);
  await stage.sessionEvents(session.id);
  const png = await stage.services.sandboxes.screenshot(stage.user, session.id);
  assert.equal(decodePng(png).colourAt(1, 1), 0xff0000);
});

test('where pictures are not to be kept none is, and the rest is', testTimeout, async (t) => {
  const stage = await openStage(t, { keepPictures: false });
  const { session } = await stage.signIn();
  await stage.services.sessions.display(session.id, new AbortController().signal);
  await stage.services.sandboxes.screenshot(stage.user, session.id);
  stage.clock.jump(limits.signInDefaultMs);
  await stage.sessionEvents(session.id);
  const logs = await stage.services.sandboxes.logs(stage.user, session.id);
  assert.deepEqual([logs.picture, logs.console], [false, 'fake agent started\n']);
  await assert.rejects(stage.services.sandboxes.screenshot(stage.user, session.id), { code: 'not_found' });
});

test('what ends well, or was given up, leaves nothing', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { runs, sessions } = stage.services;
  const good = await stage.signIn();
  good.agent.emitCredential(claudeBundle('first-refresh-token'));
  await stage.sessionEvents(good.session.id);
  await failedRun(stage); // which succeeds
  const cancelled = await stage.signIn();
  await sessions.cancel(stage.user, cancelled.session.id);
  const early = await sessions.start(stage.user, { provider: 'claude_code' });
  await sessions.cancel(stage.user, early.id);
  stage.script.run = hangs;
  const running = await runs.start(stage.user, ask);
  await stage.untilRun(running.id, (event) => event.type === 'event');
  await runs.cancel(stage.user, running.id);
  await stage.assertClean();
  assert.deepEqual(await stage.db.select().from(sandboxLogs), []);
  await assert.rejects(stage.services.sandboxes.logs(stage.user, running.id), { code: 'not_found' });
});

test('a run that fails leaves its logs, which go with it', testTimeout, async (t) => {
  const stage = await openStage(t);
  await stage.connect();
  stage.script.run = limited;
  const id = await failedRun(stage);
  const { timeline, ...logs } = await stage.services.sandboxes.logs(stage.user, id);
  assert.deepEqual([logs.owner, logs.profile, logs.reason?.code], [id, 'headless', 'provider_limit']);
  assert.match(logs.journal, /Reached target/);
  assert.equal(logs.picture, false);
  const states = timeline.flatMap((entry) => (entry.of === 'run' ? [entry.state] : []));
  assert.deepEqual(states, ['queued', 'starting', 'running', 'failed']);
  await stage.services.runs.remove(stage.user, id);
  await assert.rejects(stage.services.sandboxes.logs(stage.user, id), { code: 'not_found' });
  assert.deepEqual(await stage.db.select().from(sandboxLogs), []);
});

test('logs are their person’s and the owner’s, a picture its person’s alone', testTimeout, async (t) => {
  const stage = await openStage(t);
  const api = stage.services.sandboxes;
  const [member, other] = [await stage.addUser('member'), await stage.addUser('member')];
  const { session } = await stage.signIn({ userId: member.id });
  await stage.services.sessions.display(session.id, new AbortController().signal);
  const id = await onlySandbox(stage);
  for (const when of ['live', 'kept']) {
    for (const known of [id, session.id]) {
      assert.equal((await api.logs(member, known)).picture, true, when);
      assert.equal((await api.logs(stage.user, known)).picture, false, when);
      await assert.rejects(api.logs(other, known), { code: 'not_found' }, when);
      await api.screenshot(member, known);
      await assert.rejects(api.screenshot(stage.user, known), { code: 'not_found' }, when);
      await assert.rejects(api.screenshot(other, known), { code: 'not_found' }, when);
    }
    if (when === 'live') await stage.driver.kill(id);
    await stage.sessionEvents(session.id);
  }
  await assert.rejects(api.logs(member, newId('sandbox')), { code: 'not_found' });
});

test(
  'no text that is kept holds a secret: known by its shape, of the vault before and after, of the agent',
  testTimeout,
  async (t) => {
    const stage = await openStage(t);
    await stage.connect('the-token-of-before-the-run');
    const secrets = [
      'the-token-of-before-the-run',
      'the-token-it-rotated-to-meanwhile',
      'sk-ant-oat01-0123456789abcdef',
    ];
    stage.script.run = async (request, process, agent) => {
      secrets.push(agent.spec.token);
      agent.setJournal(`${secrets.join('\n')}\n`);
      agent.hold({ status: 'valid', bundle: claudeBundle(secrets[1] ?? ''), account: {}, changed: true });
      return await refused(request, process, agent);
    };
    const { console: real } = stage.driver;
    stage.driver.console = async (id) => `${await real(id)}${secrets.join(' ')}\n`;
    const id = await failedRun(stage);
    const { journal, console } = await stage.services.sandboxes.logs(stage.user, id);
    assert.equal(journal, '[secret]\n[secret]\n[secret]\n[secret]\n');
    assert.equal(console, 'fake agent started\n[secret] [secret] [secret] [secret]\n');
    const rows = JSON.stringify(await stage.db.select().from(sandboxLogs));
    for (const secret of secrets) assert.ok(!rows.includes(secret), secret);
  },
);

/** All the ways in which a machine comes to a bad end, each up to the moment where it is to be destroyed. */
const badEnds: Record<string, (stage: Stage) => Promise<SessionId | RunId>> = {
  'a machine of a sign-in that died': async (stage) => {
    const { session } = await stage.signIn();
    await stage.driver.kill(await onlySandbox(stage));
    return session.id;
  },
  'an agent of a sign-in that died': async (stage) => {
    const { session, agent } = await stage.signIn();
    await stage.services.sessions.display(session.id, new AbortController().signal);
    await agent.close();
    return session.id;
  },
  'a sign-in that ran out of time': async (stage) => {
    const { session } = await stage.signIn();
    stage.clock.jump(limits.signInHardMs);
    return session.id;
  },
  'a machine that did not come up': async (stage) => {
    stage.script.boot = () => Promise.reject(new Error('no kernel'));
    return (await stage.services.sessions.start(stage.user, { provider: 'claude_code' })).id;
  },
  'a machine that came up without an agent that answers': async (stage) => {
    stage.script.boot = (agent) => agent.close();
    return (await stage.services.sessions.start(stage.user, { provider: 'claude_code' })).id;
  },
  'a machine of a run that died': async (stage) => {
    await stage.connect();
    stage.script.run = hangs;
    const { id } = await stage.services.runs.start(stage.user, ask);
    await stage.untilRun(id, (event) => event.type === 'event');
    await stage.driver.kill(await onlySandbox(stage));
    return id;
  },
  'a run that the tool failed': async (stage) => {
    await stage.connect();
    stage.script.run = limited;
    return (await stage.services.runs.start(stage.user, ask)).id;
  },
  'a machine that a controller left behind': async (stage) => {
    const [sessionId, sandboxId] = [newId('session'), newId('sandbox')];
    const times = { createdAtMs: 1, expiresAtMs: 2, hardExpiresAtMs: 3 };
    await stage.db.insert(authSessions).values({
      ...{ id: sessionId, userId: stage.user.id, provider: 'claude_code', label: 'default', state: 'verifying' },
      ...{ sandboxId, ...times },
    });
    await stage.db
      .insert(sandboxes)
      .values({ id: sandboxId, profile: 'desktop', state: 'claimed', owner: sessionId, createdAtMs: 1 });
    const size = { memoryMiB: 256, cpus: 1, processes: 64, diskMiB: 64, homeMiB: 64 };
    await stage.driver.create({
      ...{ id: sandboxId, profile: 'desktop', image: 'f'.repeat(64), token: 't'.repeat(32), limits: size },
    });
    await stage.recover();
    return sessionId;
  },
};

for (const [name, comeToIt] of Object.entries(badEnds)) {
  test(`the console is not destroyed with the machine: ${name}`, testTimeout, async (t) => {
    const stage = await openStage(t);
    const { destroy } = stage.driver;
    const keptBefore: string[] = [];
    stage.driver.destroy = async (id) => {
      const rows = await stage.db.select().from(sandboxLogs);
      keptBefore.push(...rows.filter(({ sandboxId }) => sandboxId === id).map(({ console }) => console));
      await destroy(id);
    };
    const id = await comeToIt(stage);
    if (id.startsWith('ses_')) await stage.sessionEvents(id as SessionId);
    else await stage.runEvents(id as RunId);
    assert.deepEqual(
      keptBefore.map((text) => text.trim()),
      ['fake agent started'],
    );
    assert.match((await stage.services.sandboxes.logs(stage.user, id)).console, /fake agent started/);
    stage.script.run = toolSays('pong');
  });
}
