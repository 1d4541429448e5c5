/** What may come in the same moment as a stop, a start, or a wait for a sandbox. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits, type RunEvent } from '@polydev/protocol';
import { sandboxLogs } from '../store/schema.ts';
import { claudeBundle, openStage, type Stage, testTimeout } from '../testing/stage.ts';
import { gate, hangs, sayDone, sayText, toolFails, toolSays } from '../testing/tool.ts';

const ask = { provider: 'claude_code', prompt: 'hi' } as const;

/** Whoever waits for nothing outside of this process has gone on by then. */
async function settle({ db }: Stage): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) {
    await new Promise(setImmediate);
    await db.execute('select 1');
  }
}

/** From now on no sandbox goes before it may. */
function holdDestruction({ driver }: Stage) {
  const destroying = gate();
  const mayGo = gate();
  const { destroy } = driver;
  driver.destroy = async (id) => {
    destroying.open();
    await mayGo.wait;
    await destroy(id);
  };
  const holdNoMore = () => {
    driver.destroy = destroy;
  };
  return { destroying, mayGo, holdNoMore };
}

test('a run that ends in the last moment of a drain has ended, and its answer is kept', testTimeout, async (t) => {
  const stage = await openStage(t);
  await stage.connect();
  const { destroying, mayGo } = holdDestruction(stage);
  stage.script.run = toolSays('hello');
  const run = await stage.services.runs.start(stage.user, ask);
  await destroying.wait;
  const restarted = stage.restart();
  // Whenever the drain begins, its time is over soon.
  for (let turn = 0; turn < 20; turn += 1) {
    await settle(stage);
    stage.clock.jump(limits.drainMs);
  }
  await settle(stage);
  mayGo.open();
  await restarted;
  const { state, answer, reason } = await stage.services.runs.get(stage.user, run.id);
  assert.deepEqual([state, answer, reason], ['succeeded', 'hello', null]);
  await stage.assertClean();
});

for (const [how, tool, end] of [
  ['its answer', toolSays('hel', 'lo'), ['succeeded', 'hello', undefined]],
  ['its failure', toolFails('rate_limit', 'Your plan is used up.'), ['failed', '', 'provider_limit']],
] as const)
  test(`a run whose controller dies once its tool has said ${how} has that end`, testTimeout, async (t) => {
    const stage = await openStage(t);
    await stage.connect();
    const { destroying, mayGo, holdNoMore } = holdDestruction(stage);
    stage.script.run = tool;
    const run = await stage.services.runs.start(stage.user, ask);
    const isEnd = ({ type }: RunEvent) => type === 'finished' || type === 'failure';
    await stage.untilRun(run.id, (said) => said.type === 'event' && isEnd(said.event));
    await destroying.wait;
    await settle(stage);
    holdNoMore();
    await stage.crash();
    const { state, answer, reason, usage } = await stage.services.runs.get(stage.user, run.id);
    assert.deepEqual([state, answer, reason?.code], end);
    assert.ok(usage);
    mayGo.open();
  });

test('a run that goes on after a restart keeps its credential from those behind it', testTimeout, async (t) => {
  const stage = await openStage(t);
  await stage.connect();
  const more = gate();
  let together = 0;
  stage.script.run = async (_, process) => {
    together += 1;
    assert.equal(together, 1, 'one at a time');
    sayText(process, 'one');
    await more.wait;
    sayDone(process);
    together -= 1;
    return 0;
  };
  const run = await stage.services.runs.start(stage.user, ask);
  await stage.untilRun(run.id, (event) => event.type === 'event');
  const waiting = await stage.services.runs.start(stage.user, ask);
  const mayRead = gate();
  const read: Stage['events']['read'] = async (...args) => {
    await mayRead.wait;
    return await stage.events.read(...args);
  };
  await stage.restart({ events: { ...stage.events, read } });
  await settle(stage);
  assert.equal((await stage.services.runs.get(stage.user, waiting.id)).state, 'queued');
  mayRead.open();
  more.open();
  for (const { id } of [run, waiting]) {
    await stage.runEvents(id);
    assert.equal((await stage.services.runs.get(stage.user, id)).state, 'succeeded');
  }
  await stage.assertClean();
});

test(
  'a run that is stopped before it has its credential back keeps what its tool has made of it',
  testTimeout,
  async (t) => {
    const stage = await openStage(t);
    const credential = await stage.connect();
    stage.script.run = async (command, process, agent) => {
      agent.hold({ status: 'valid', bundle: claudeBundle('second-refresh-token'), changed: true });
      sayText(process, 'one');
      return await hangs(command, process, agent);
    };
    const run = await stage.services.runs.start(stage.user, ask);
    await stage.untilRun(run.id, (event) => event.type === 'event');
    // As a Redis does that has lost everything, and now gives each its time.
    await stage.restart({ ephemeral: { ...stage.ephemeral, lease: async () => null } });
    await settle(stage);
    await stage.services.runs.cancel(stage.user, run.id);
    assert.equal((await stage.services.runs.get(stage.user, run.id)).state, 'cancelled');
    assert.match(await stage.opened(credential.id), /second-refresh-token/);
    assert.deepEqual(await stage.driver.list(), []);
  },
);

test('a run whose account was disconnected ends after a restart, and its sandbox is gone', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { id } = await stage.connect();
  stage.script.run = hangs;
  const run = await stage.services.runs.start(stage.user, ask);
  await stage.untilRun(run.id, (event) => event.type === 'event');
  await stage.services.credentials.remove(stage.user, id);
  await stage.restart();
  await stage.runEvents(run.id);
  const { state, reason } = await stage.services.runs.get(stage.user, run.id);
  assert.deepEqual([state, reason?.code], ['failed', 'no_credential']);
  await stage.assertClean();
});

for (const change of ['disconnected', 'connected anew'] as const) {
  test(`a run that waits for room uses no credential of before: ${change} meanwhile`, testTimeout, async (t) => {
    const stage = await openStage(t, { atMost: 1 });
    await stage.connect('token-of-a', 'a');
    const { id } = await stage.connect('token-of-b', 'b');
    const go = gate();
    const restored: string[] = [];
    stage.script.run = async (_, process, agent) => {
      restored.push(JSON.stringify(agent.restored));
      sayText(process, 'one');
      await go.wait;
      sayDone(process);
      return 0;
    };
    const [a] = (await stage.services.credentials.list(stage.user)).filter(({ label }) => label === 'a');
    assert.ok(a);
    const first = await stage.services.runs.start(stage.user, { ...ask, credentialId: a.id });
    await stage.untilRun(first.id, (event) => event.type === 'event');
    const second = await stage.services.runs.start(stage.user, { ...ask, credentialId: id });
    await settle(stage);
    if (change === 'disconnected') await stage.services.credentials.remove(stage.user, id);
    else await stage.connect('token-of-b-anew', 'b');
    go.open();
    await stage.runEvents(second.id);
    const { state, reason } = await stage.services.runs.get(stage.user, second.id);
    if (change === 'disconnected') {
      assert.deepEqual([state, reason?.code], ['failed', 'no_credential']);
      assert.equal(restored.length, 1);
    } else {
      assert.equal(state, 'succeeded', JSON.stringify(reason));
      assert.match(restored.at(-1) ?? '', /token-of-b-anew/);
    }
    await stage.assertClean();
  });
}

test(
  'a token that was renewed in a test of its account outlives a controller that is killed',
  testTimeout,
  async (t) => {
    const stage = await openStage(t);
    const { id } = await stage.connect();
    const working = gate();
    stage.script.run = (request, process, agent) => {
      // As it ends, it still saves what it was given.
      const renewed = { status: 'valid', bundle: claudeBundle('rotated-refresh-token'), changed: true } as const;
      process.signal.addEventListener('abort', () => agent.hold(renewed));
      working.open();
      return hangs(request, process, agent);
    };
    stage.services.credentials.test(stage.user, id).catch(() => {}); // Nobody hears of it any more.
    await working.wait;
    await stage.crash();
    stage.script.run = toolSays('hello');
    // It waits until the credential was taken back.
    const run = await stage.services.runs.start(stage.user, ask);
    await stage.runEvents(run.id);
    assert.equal((await stage.services.runs.get(stage.user, run.id)).state, 'succeeded');
    assert.match(await stage.opened(id), /rotated-refresh-token/);
    await stage.assertClean();
  },
);

test('a run that is asked for while the controller hands over is left to whoever is next', testTimeout, async (t) => {
  const stage = await openStage(t);
  await stage.connect();
  await stage.handOver();
  const run = await stage.services.runs.start(stage.user, ask);
  await settle(stage);
  assert.equal((await stage.services.runs.get(stage.user, run.id)).state, 'queued');
  await stage.crash();
  await stage.runEvents(run.id);
  assert.equal((await stage.services.runs.get(stage.user, run.id)).state, 'succeeded');
  await stage.assertClean();
});

test('a run whose credential cannot be brought into a sandbox leaves the log of it', testTimeout, async (t) => {
  const stage = await openStage(t);
  await stage.connect();
  stage.script.boot = (agent) => {
    agent.claimed.then(() => stage.driver.kill(agent.spec.id)).catch(() => {});
  };
  const run = await stage.services.runs.start(stage.user, ask);
  await stage.runEvents(run.id);
  assert.equal((await stage.services.runs.get(stage.user, run.id)).state, 'failed');
  const kept = await stage.db.select({ runId: sandboxLogs.runId }).from(sandboxLogs);
  assert.ok(kept.some(({ runId }) => runId === run.id));
});

test(
  'a key that is being proved when the controller stops is not kept, and who asked is told',
  testTimeout,
  async (t) => {
    const stage = await openStage(t);
    const working = gate();
    stage.script.run = (request, process, agent) => {
      working.open();
      return hangs(request, process, agent);
    };
    const key = { provider: 'claude_code', apiKey: 'sk-ant-a-key-of-a-test' } as const;
    const adding = stage.services.credentials.addApiKey(stage.user, key);
    const refused = assert.rejects(adding, { code: 'unavailable' });
    await working.wait;
    await stage.restart();
    await refused;
    assert.deepEqual(await stage.services.credentials.list(stage.user), []);
    await stage.assertClean();
  },
);
