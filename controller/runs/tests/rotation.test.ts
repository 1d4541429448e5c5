import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunState } from '@polydev/protocol';
import { claudeBundle, openStage, type Stage, testTimeout } from '../../testing/stage.ts';
import { gate, hangs, refused, type ToolRun, toolFails, toolSays } from '../../testing/tool.ts';

const ask = { provider: 'claude_code', prompt: 'Say hello' } as const;

/** The tool renews its token, then does what it does. */
const rotating =
  (tool: ToolRun): ToolRun =>
  (request, process, agent) => {
    agent.hold({ status: 'valid', bundle: claudeBundle('rotated-refresh-token'), changed: true });
    return tool(request, process, agent);
  };

/** Resolves when the only account has another version. */
async function renewed({ services, user }: Stage, version: number): Promise<void> {
  const over = new AbortController();
  for await (const _ of await services.changes.follow(user, 0, over.signal))
    if ((await services.credentials.list(user))[0]?.version !== version) return over.abort();
}

const ends: { name: string; tool: ToolRun; state: RunState; deadlineMs?: number; cancel?: boolean }[] = [
  { name: 'succeeded', tool: toolSays('hi'), state: 'succeeded' },
  { name: 'failed', tool: toolFails('server_error', 'Overloaded'), state: 'failed' },
  { name: 'was refused', tool: refused, state: 'failed' },
  { name: 'was cancelled', tool: hangs, state: 'cancelled', cancel: true },
  { name: 'timed out', tool: hangs, state: 'timed_out', deadlineMs: 1_000 },
];

for (const { name, tool, state, deadlineMs, cancel } of ends) {
  test(`a token renewed in a run that ${name} is written back`, testTimeout, async (t) => {
    const stage = await openStage(t);
    const { id, version } = await stage.connect();
    stage.script.run = rotating(tool);
    const run = await stage.services.runs.start(stage.user, { ...ask, ...(deadlineMs && { deadlineMs }) });
    if (cancel) {
      await stage.untilRun(run.id, (event) => event.type === 'event');
      await stage.services.runs.cancel(stage.user, run.id);
    }
    await stage.runEvents(run.id);
    assert.equal((await stage.services.runs.get(stage.user, run.id)).state, state);
    assert.match(await stage.opened(id), /rotated-refresh-token/);
    const [credential] = await stage.services.credentials.list(stage.user);
    assert.equal(credential?.version, version + 1);
    assert.equal(credential.status, name === 'was refused' ? 'expired' : 'active');
    await stage.assertClean();
  });
}

test(
  'a renewed token is stored before the run ends, so that it outlives a sandbox that dies',
  testTimeout,
  async (t) => {
    const stage = await openStage(t);
    const { id, version } = await stage.connect();
    stage.script.run = (request, process, agent) => {
      agent.renew(claudeBundle('rotated-refresh-token'));
      return hangs(request, process, agent);
    };
    const run = await stage.services.runs.start(stage.user, ask);
    await stage.untilRun(run.id, (event) => event.type === 'event');
    await renewed(stage, version);
    assert.match(await stage.opened(id), /rotated-refresh-token/);
    const [sandbox] = await stage.driver.list();
    assert.ok(sandbox);
    await stage.driver.kill(sandbox.id);
    await stage.runEvents(run.id);
    assert.equal((await stage.services.runs.get(stage.user, run.id)).state, 'failed');
    const [credential] = await stage.services.credentials.list(stage.user);
    assert.deepEqual([credential?.version, credential?.status], [version + 1, 'active']);
    await stage.assertClean();
  },
);

test('a renewed token that the tool says is hidden like the one of before', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { version } = await stage.connect();
  stage.script.run = async (request, process, agent) => {
    agent.renew(claudeBundle('rotated-refresh-token'));
    await renewed(stage, version);
    return await toolSays('first-refresh-token, then rotated-refresh-token')(request, process, agent);
  };
  const run = await stage.services.runs.start(stage.user, ask);
  await stage.runEvents(run.id);
  assert.equal((await stage.services.runs.get(stage.user, run.id)).answer, '[secret], then [secret]');
});

for (const status of ['blanked', 'absent', 'incomplete'] as const) {
  test(`a credential that is ${status} after the run is not stored`, testTimeout, async (t) => {
    const stage = await openStage(t);
    const { id, version } = await stage.connect();
    stage.script.run = (request, process, agent) => {
      agent.hold({ status, changed: true });
      return toolSays('hi')(request, process, agent);
    };
    const run = await stage.services.runs.start(stage.user, ask);
    await stage.runEvents(run.id);
    const [credential] = await stage.services.credentials.list(stage.user);
    assert.equal(credential?.version, version);
    assert.equal(credential.status, status === 'blanked' ? 'expired' : 'active');
    assert.match(await stage.opened(id), /first-refresh-token/);
  });
}

test('what a sandbox gives back that is no credential is not stored', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { id, version } = await stage.connect();
  stage.script.run = (request, process, agent) => {
    const bundle = claudeBundle('');
    agent.hold({ status: 'valid', bundle, changed: true });
    return toolSays('hi')(request, process, agent);
  };
  const run = await stage.services.runs.start(stage.user, ask);
  await stage.runEvents(run.id);
  assert.equal((await stage.services.credentials.list(stage.user))[0]?.version, version);
  assert.match(await stage.opened(id), /first-refresh-token/);
});

test('a run never overwrites an account that was connected anew meanwhile', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { id } = await stage.connect();
  const connected = gate();
  stage.script.run = async (request, process, agent) => {
    await connected.wait;
    return await rotating(refused)(request, process, agent);
  };
  const run = await stage.services.runs.start(stage.user, ask);
  await stage.untilRun(run.id, (event) => event.type === 'state' && event.state === 'running');
  const anew = await stage.connect('token-of-the-new-sign-in');
  assert.equal(anew.id, id);
  connected.open();
  await stage.runEvents(run.id);
  const [credential] = await stage.services.credentials.list(stage.user);
  assert.equal(credential?.version, anew.version);
  assert.equal(credential.status, 'active');
  assert.match(await stage.opened(id), /token-of-the-new-sign-in/);
});

test('two runs of one account follow each other, the second with what the first left', testTimeout, async (t) => {
  const stage = await openStage(t);
  await stage.connect();
  let together = 0;
  const seen: string[] = [];
  stage.script.run = (request, process, agent) => {
    together += 1;
    seen.push(`${request.stdin} ${JSON.stringify(agent.restored).includes('rotated-refresh-token')}`);
    assert.equal(together, 1);
    const end = rotating(toolSays('hi'))(request, process, agent);
    together -= 1;
    return end;
  };
  const prompts = ['first', 'second', 'third'];
  const runs = [];
  for (const prompt of prompts) runs.push(await stage.services.runs.start(stage.user, { ...ask, prompt }));
  for (const { id } of runs) await stage.runEvents(id);
  assert.deepEqual(seen, ['first false', 'second true', 'third true']);
  assert.equal((await stage.services.runs.get(stage.user, runs[2]?.id ?? 'run_')).state, 'succeeded');
  await stage.assertClean();
});

test('a run that waits can be cancelled, and those behind it move up', testTimeout, async (t) => {
  const stage = await openStage(t);
  await stage.connect();
  const go = gate();
  stage.script.run = async (request, process, agent) => {
    await go.wait;
    return await toolSays(request.stdin)(request, process, agent);
  };
  const runs = [];
  for (const prompt of ['1', '2', '3']) runs.push(await stage.services.runs.start(stage.user, { ...ask, prompt }));
  const [first, second, third] = runs;
  assert.ok(first && second && third);
  const cancelled = await stage.services.runs.cancel(stage.user, second.id);
  assert.equal(cancelled.state, 'cancelled');
  assert.equal(cancelled.startedAtMs, null);
  go.open();
  for (const { id } of [first, third]) {
    await stage.runEvents(id);
    assert.equal((await stage.services.runs.get(stage.user, id)).state, 'succeeded');
  }
});

test('runs of two accounts go on at once, as far as there are sandboxes', testTimeout, async (t) => {
  const stage = await openStage(t, { atMost: 2 });
  const labels = ['a', 'b', 'c'];
  const accounts = [];
  for (const label of labels) accounts.push(await stage.connect(`refresh-token-of-${label}`, label));
  const go = gate();
  const full = gate();
  let together = 0;
  stage.script.run = async (request, process, agent) => {
    together += 1;
    if (together === 2) full.open();
    assert.ok(together <= 2);
    await go.wait;
    together -= 1;
    return await toolSays('hi')(request, process, agent);
  };
  const runs = [];
  for (const { id } of accounts) runs.push(await stage.services.runs.start(stage.user, { ...ask, credentialId: id }));
  await full.wait;
  const statesNow = async () => (await stage.services.runs.list(stage.user)).map(({ state }) => state).sort();
  assert.deepEqual(await statesNow(), ['queued', 'running', 'running']);
  go.open();
  for (const { id } of runs) await stage.runEvents(id);
  assert.deepEqual(await statesNow(), ['succeeded', 'succeeded', 'succeeded']);
  await stage.assertClean();
});
