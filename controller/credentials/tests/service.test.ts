import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claudeBundle, openStage, testTimeout } from '../../testing/stage.ts';
import { hangs, limited, refused, toolFails, toolSays } from '../../testing/tool.ts';

const apiKey = 'sk-ant-a-key-that-nobody-may-see';
const request = { provider: 'claude_code', apiKey } as const;

test('an API key is proved by a run before it is stored', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { credentials, runs } = stage.services;
  stage.script.run = (exec, process, agent) => {
    assert.deepEqual(agent.restored, { kind: 'api_key', provider: 'claude_code', apiKey });
    assert.ok(!JSON.stringify(exec).includes(apiKey));
    return toolSays('OK')(exec, process, agent);
  };
  const credential = await credentials.addApiKey(stage.user, request);
  assert.equal(credential.kind, 'api_key');
  assert.equal(credential.status, 'active');
  assert.equal(credential.label, 'default');
  await stage.assertClean();

  const run = await runs.start(stage.user, { provider: 'claude_code', prompt: 'hi' });
  await stage.runEvents(run.id);
  assert.equal((await runs.get(stage.user, run.id)).answer, 'OK');
  assert.deepEqual(
    (await credentials.list(stage.user)).map(({ version }) => version),
    [credential.version],
  );
  const shown = JSON.stringify([credential, await stage.db.query.credentials.findMany(), stage.logged()]);
  assert.doesNotMatch(shown, new RegExp(apiKey));
});

test('a key that the provider refuses is not stored, and the refusal does not repeat it', testTimeout, async (t) => {
  const stage = await openStage(t);
  stage.script.run = toolFails('authentication_failed', `Invalid API key: ${apiKey}`);
  await assert.rejects(
    stage.services.credentials.addApiKey(stage.user, request),
    (error: Error & { code?: string }) => {
      assert.equal(error.code, 'api_key_refused');
      assert.match(error.message, /Invalid API key/);
      assert.doesNotMatch(error.message, new RegExp(apiKey));
      return true;
    },
  );
  assert.deepEqual(await stage.db.query.credentials.findMany(), []);
  assert.doesNotMatch(stage.logged(), new RegExp(apiKey));
  await stage.assertClean();
});

test('a provider that is down says nothing about the key', testTimeout, async (t) => {
  const stage = await openStage(t);
  stage.script.run = toolFails('server_error', 'Overloaded');
  await assert.rejects(stage.services.credentials.addApiKey(stage.user, request), { code: 'provider_failed' });
  stage.script.boot = () => {
    throw new Error('no kernel');
  };
  await assert.rejects(stage.services.credentials.addApiKey(stage.user, request), { code: 'sandbox_failed' });
  await stage.assertClean();
});

test('a key at its limit is a good key, and without verification none is asked', testTimeout, async (t) => {
  const stage = await openStage(t);
  stage.script.run = limited;
  assert.equal((await stage.services.credentials.addApiKey(stage.user, request)).status, 'active');
  const trusting = await openStage(t, { verify: 'off' });
  trusting.script.boot = () => assert.fail('no sandbox is needed');
  assert.equal((await trusting.services.credentials.addApiKey(trusting.user, request)).status, 'active');
});

test('a new key takes the place of a key, never of a sign-in', testTimeout, async (t) => {
  const stage = await openStage(t, { verify: 'off' });
  const { credentials } = stage.services;
  await stage.connect('first-refresh-token', 'mine');
  await assert.rejects(credentials.addApiKey(stage.user, { ...request, label: 'mine' }), { code: 'credential_exists' });
  const first = await credentials.addApiKey(stage.user, { ...request, label: 'key' });
  const second = await credentials.addApiKey(stage.user, { ...request, apiKey: `${apiKey}-2`, label: 'key' });
  assert.equal(second.id, first.id);
  assert.ok(second.version > first.version);
  assert.match(await stage.opened(second.id), /see-2/);
  assert.equal((await credentials.list(stage.user)).length, 2);
});

test('a test of a credential finds out whether it works, and keeps what it rotated', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { credentials } = stage.services;
  const { id, version } = await stage.connect();
  stage.script.run = (exec, process, agent) => {
    agent.hold({ status: 'valid', bundle: claudeBundle('rotated-refresh-token'), changed: true });
    return refused(exec, process, agent);
  };
  const expired = await credentials.test(stage.user, id);
  assert.equal(expired.status, 'expired');
  assert.equal(expired.version, version + 1);
  stage.script.run = toolSays('OK');
  assert.equal((await credentials.test(stage.user, id)).status, 'active');
  stage.script.run = toolFails('server_error', 'Overloaded');
  await assert.rejects(credentials.test(stage.user, id), { code: 'provider_failed' });
  assert.equal((await credentials.list(stage.user))[0]?.status, 'active');
  await stage.assertClean();
});

test('a credential in use is not tested at the same time', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { id } = await stage.connect();
  stage.script.run = hangs;
  const run = await stage.services.runs.start(stage.user, { provider: 'claude_code', prompt: 'hi' });
  await stage.untilRun(run.id, (event) => event.type === 'event');
  await assert.rejects(stage.services.credentials.test(stage.user, id), { code: 'credential_busy' });
  await stage.services.runs.cancel(stage.user, run.id);
  await stage.assertClean();
});

test('a credential that is removed is gone, also when a run comes back with a newer one', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { credentials, runs } = stage.services;
  const { id } = await stage.connect();
  stage.script.run = (exec, process, agent) => {
    agent.hold({ status: 'valid', bundle: claudeBundle('rotated-refresh-token'), changed: true });
    return hangs(exec, process, agent);
  };
  const ask = { provider: 'claude_code', prompt: 'hi' } as const;
  const running = await runs.start(stage.user, ask);
  const queued = await runs.start(stage.user, ask);
  await stage.untilRun(running.id, (event) => event.type === 'event');
  const argv = stage.driver
    .agents()
    .flatMap(({ executions }) => executions.map((execution) => execution.argv.join(' ')));
  await credentials.remove(stage.user, id);
  await runs.cancel(stage.user, running.id);
  await stage.runEvents(queued.id);
  assert.equal((await runs.get(stage.user, queued.id)).reason?.code, 'no_credential');
  assert.deepEqual(await credentials.list(stage.user), []);
  assert.deepEqual(await stage.db.query.credentials.findMany(), []);
  assert.ok(argv.length > 0 && argv.every((command) => !/logout/.test(command)), 'nothing logs out');
  await assert.rejects(runs.start(stage.user, ask), { code: 'no_credential' });
});

test('someone else sees no credential of mine', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { id } = await stage.connect();
  const member = await stage.addUser('member');
  const missing = { code: 'not_found' };
  assert.deepEqual(await stage.services.credentials.list(member), []);
  await assert.rejects(stage.services.credentials.remove(member, id), missing);
  await assert.rejects(stage.services.credentials.test(member, id), missing);
  assert.equal((await stage.services.credentials.list(stage.user)).length, 1);
});
