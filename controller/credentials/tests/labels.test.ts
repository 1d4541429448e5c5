import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claudeBundle, openStage, testTimeout } from '../../testing/stage.ts';
import { toolSays } from '../../testing/tool.ts';

const provider = 'claude_code';

test(
  'two accounts of one provider are kept apart, and each run takes the one that is named',
  testTimeout,
  async (t) => {
    const stage = await openStage(t);
    const { credentials, runs } = stage.services;
    const home = await stage.connect('refresh-token-of-home');
    const { session, agent } = await stage.signIn({ label: ' work ', newAccount: true });
    agent.emitCredential(claudeBundle('refresh-token-of-work', 'me@work.example'));
    await stage.sessionEvents(session.id);
    const listed = await credentials.list(stage.user, { provider });
    assert.deepEqual(listed.map(({ label, account }) => [label, account.email]).sort(), [
      ['default', 'person@example.com'],
      ['work', 'me@work.example'],
    ]);
    assert.deepEqual(await credentials.list(stage.user, { provider: 'openai_codex' }), []);

    const work = listed.find(({ label }) => label === 'work');
    assert.ok(work);
    stage.script.run = (exec, process, sandbox) =>
      toolSays(JSON.stringify(sandbox.restored).includes('-of-work') ? 'work' : 'home')(exec, process, sandbox);
    for (const [credentialId, answer] of [
      [work.id, 'work'],
      [home.id, 'home'],
    ] as const) {
      const run = await runs.start(stage.user, { provider, prompt: 'who', credentialId });
      await stage.runEvents(run.id);
      assert.equal((await runs.get(stage.user, run.id)).answer, answer);
    }
    const byWork = await runs.list(stage.user, { credentialId: work.id });
    assert.deepEqual(
      byWork.map(({ answer }) => answer),
      ['work'],
    );
  },
);

test('a new account needs a label of its own', testTimeout, async (t) => {
  const stage = await openStage(t, { verify: 'off' });
  const { credentials, sessions } = stage.services;
  await stage.connect('first-refresh-token', 'work');
  const taken = { code: 'credential_exists', message: 'An account of this tool is already called “work”.' };
  const key = { provider, apiKey: 'sk-ant-a-key-of-a-test', label: 'work', newAccount: true } as const;
  await assert.rejects(sessions.start(stage.user, { provider, label: 'work', newAccount: true }), taken);
  await assert.rejects(credentials.addApiKey(stage.user, key), taken);
  assert.deepEqual(await sessions.list(stage.user), []);
  await credentials.addApiKey(stage.user, { ...key, label: 'key' });
  await assert.rejects(credentials.addApiKey(stage.user, { ...key, label: 'key' }), { code: 'credential_exists' });
  assert.equal((await credentials.addApiKey(stage.user, { ...key, provider: 'openai_codex' })).label, 'work');
});

test('who signs in again under a label replaces that account and keeps its id', testTimeout, async (t) => {
  const stage = await openStage(t);
  const before = await stage.connect('first-refresh-token', 'work');
  const { session, agent } = await stage.signIn({ label: 'work' });
  agent.emitCredential(claudeBundle('second-refresh-token'));
  await stage.sessionEvents(session.id);
  const [after, ...others] = await stage.services.credentials.list(stage.user);
  assert.deepEqual([after?.id, others.length], [before.id, 0]);
});

test('a label is changed; one that is taken says so; the secret is the same', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { credentials } = stage.services;
  const first = await stage.connect('first-refresh-token', 'default');
  const second = await stage.connect('second-refresh-token', 'work');
  const renamed = await credentials.rename(stage.user, first.id, '  home ');
  assert.deepEqual(renamed, { ...first, label: 'home' });
  assert.equal((await credentials.get(stage.user, first.id)).label, 'home');
  assert.match(await stage.opened(first.id), /first-refresh-token/);
  await assert.rejects(credentials.rename(stage.user, first.id, 'work'), {
    code: 'credential_exists',
    message: 'An account of this tool is already called “work”.',
  });
  assert.equal((await credentials.rename(stage.user, second.id, 'work')).label, 'work');
});

test(
  'a run that is under way does not mind a new label, and its rotated credential is kept',
  testTimeout,
  async (t) => {
    const stage = await openStage(t);
    const { credentials, runs } = stage.services;
    const { id } = await stage.connect();
    stage.script.run = async (exec, process, agent) => {
      await credentials.rename(stage.user, id, 'renamed');
      agent.hold({ status: 'valid', bundle: claudeBundle('rotated-refresh-token'), changed: true });
      return toolSays('pong')(exec, process, agent);
    };
    await stage.runEvents((await runs.start(stage.user, { provider, prompt: 'hi' })).id);
    assert.match(await stage.opened(id), /rotated-refresh-token/);
    assert.equal((await credentials.get(stage.user, id)).label, 'renamed');
  },
);

test('someone else reads and renames no credential of mine', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { id } = await stage.connect();
  const member = await stage.addUser('member');
  const missing = { code: 'not_found' };
  await assert.rejects(stage.services.credentials.get(member, id), missing);
  await assert.rejects(stage.services.credentials.rename(member, id, 'x'), missing);
  await assert.rejects(stage.services.usage.of(member, id, {}), missing);
});
