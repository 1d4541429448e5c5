import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits, PolydevError } from '@polydev/protocol';
import { claudeBundle, openStage, testTimeout } from '../../testing/stage.ts';
import { gate, hangs, sayDone, sayText, type ToolRun, toolSays } from '../../testing/tool.ts';

const renewed = { status: 'valid', bundle: claudeBundle('rotated-refresh-token'), changed: true } as const;

test('a controller that stops keeps the token that a run renewed', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { id } = await stage.connect();
  stage.script.run = (request, process, agent) => {
    agent.hold(renewed);
    return hangs(request, process, agent);
  };
  const run = await stage.services.runs.start(stage.user, { provider: 'claude_code', prompt: 'hi' });
  await stage.untilRun(run.id, (event) => event.type === 'event');
  await stage.stop();
  assert.match(await stage.opened(id), /rotated-refresh-token/);
  const { state, reason } = await stage.services.runs.get(stage.user, run.id);
  assert.deepEqual({ state, code: reason?.code }, { state: 'cancelled', code: 'run_cancelled' });
  await stage.assertClean();
});

test('also one that the tool renews when it is asked to end', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { id } = await stage.connect();
  stage.script.run = (request, process, agent) => {
    process.signal.addEventListener('abort', () => agent.hold(renewed));
    return hangs(request, process, agent);
  };
  const run = await stage.services.runs.start(stage.user, { provider: 'claude_code', prompt: 'hi' });
  await stage.untilRun(run.id, (event) => event.type === 'event');
  await stage.stop();
  assert.match(await stage.opened(id), /rotated-refresh-token/);
});

test('and one that a test of the account renewed', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { id } = await stage.connect();
  const started = gate();
  const tool: ToolRun = (request, process, agent) => {
    agent.hold(renewed);
    started.open();
    return hangs(request, process, agent);
  };
  stage.script.run = tool;
  const tested = assert.rejects(stage.services.credentials.test(stage.user, id), { code: 'unavailable' });
  await started.wait;
  await stage.stop();
  await tested;
  assert.match(await stage.opened(id), /rotated-refresh-token/);
  await assert.rejects(stage.services.credentials.test(stage.user, id), { code: 'unavailable' });
  await stage.assertClean();
});

test('a controller that is told to hand over lets what runs end, and nothing begin', testTimeout, async (t) => {
  const stage = await openStage(t);
  await stage.connect();
  const held = gate();
  let tools = 0;
  stage.script.run = async (_, process) => {
    tools += 1;
    await held.wait;
    sayText(process, 'done');
    sayDone(process);
    return 0;
  };
  const { runs } = stage.services;
  const ask = { provider: 'claude_code', prompt: 'hi' } as const;
  const [running, waiting] = [await runs.start(stage.user, ask), await runs.start(stage.user, ask)];
  await stage.untilRun(running.id, (event) => event.type === 'state' && event.state === 'running');
  // However long it takes here.
  const { after } = stage.clock;
  stage.clock.after = (delayMs, call) => (delayMs === limits.drainMs ? () => {} : after(delayMs, call));
  const drained = stage.drain();
  held.open();
  await drained;
  const states = [await runs.get(stage.user, running.id), await runs.get(stage.user, waiting.id)];
  assert.deepEqual([states.map(({ state }) => state), tools], [['succeeded', 'queued'], 1]);
});

test('who hears no answer, or that it failed, has begun nothing', testTimeout, async (t) => {
  const stage = await openStage(t);
  await stage.connect();
  const gone = AbortSignal.abort(new PolydevError('unavailable', 'Nobody waits for this answer any more.'));
  const ask = { provider: 'claude_code', prompt: 'Say hello' } as const;
  await assert.rejects(stage.services.runs.start(stage.user, ask, gone), { code: 'unavailable' });
  assert.deepEqual(await stage.services.runs.list(stage.user), []);
  const request = { provider: 'claude_code', apiKey: 'sk-ant-some-key', label: 'key' } as const;
  stage.script.run = toolSays('OK');
  await assert.rejects(stage.services.credentials.addApiKey(stage.user, request, gone), { code: 'unavailable' });
  assert.equal((await stage.services.credentials.list(stage.user)).length, 1);
  await stage.assertClean();
});
