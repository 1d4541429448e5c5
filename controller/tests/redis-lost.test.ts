import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { skipTestServers, startTestRedis } from '@polydev/setup/test-servers';
import { createEventLog } from '../store/events.ts';
import { openRedisEphemeral } from '../store/redis-ephemeral.ts';
import { openTestStore } from '../store/testing.ts';
import { claudeBundle, openStage } from '../testing/stage.ts';
import { gate, sayDone, sayText } from '../testing/tool.ts';

const options = { skip: skipTestServers, timeout: 60_000 };

async function openStageOnRedis(t: TestContext) {
  const redis = await startTestRedis();
  const store = await openTestStore(t);
  const ephemeral = await openRedisEphemeral({ url: redis.url, settleMs: 0 });
  const stage = await openStage(t, { store: { ...store, ephemeral, events: createEventLog(store, ephemeral) } });
  t.after(async () => {
    await ephemeral.close();
    await redis.remove();
  });
  return { redis, stage };
}

test('a sign-in connects although Redis goes away in the middle', options, async (t) => {
  const { redis, stage } = await openStageOnRedis(t);
  const { session, agent } = await stage.signIn();
  const timeline = stage.sessionEvents(session.id);
  agent.emitDesktop('terminal', true);
  await stage.untilSession(session.id, (event) => event.type === 'state' && event.state === 'ready');
  await redis.end('SIGKILL');
  agent.emitCredential(claudeBundle('first-refresh-token'));
  const events = await timeline;
  assert.deepEqual(events.at(-1), { type: 'destroyed' });
  assert.equal((await stage.services.sessions.get(stage.user, session.id)).state, 'connected');
  await stage.assertClean();
});

test(
  'a run ends well, and its credential is free, although Redis lost everything in the middle',
  options,
  async (t) => {
    const { redis, stage } = await openStageOnRedis(t);
    const credential = await stage.connect();
    const more = gate();
    stage.script.run = async (_, process, agent) => {
      sayText(process, 'one');
      await more.wait;
      agent.hold({ status: 'valid', bundle: claudeBundle('second-refresh-token'), changed: true });
      sayText(process, ' two');
      sayDone(process);
      return 0;
    };
    const ask = { provider: 'claude_code', prompt: 'Count' } as const;
    const run = await stage.services.runs.start(stage.user, ask);
    const waiting = await stage.services.runs.start(stage.user, ask);
    await stage.untilRun(run.id, (event) => event.type === 'event');
    await redis.end('SIGKILL');
    await redis.start();
    more.open();
    for (const { id } of [run, waiting]) {
      await stage.runEvents(id);
      const ended = await stage.services.runs.get(stage.user, id);
      assert.equal(ended.state, 'succeeded');
      assert.equal(ended.answer, 'one two');
    }
    assert.match(await stage.opened(credential.id), /second-refresh-token/);
    await stage.assertClean();
  },
);

test('a run that is asked for while Redis is away waits for it', options, async (t) => {
  const { redis, stage } = await openStageOnRedis(t);
  await stage.connect();
  await redis.end('SIGKILL');
  const run = await stage.services.runs.start(stage.user, { provider: 'claude_code', prompt: 'Say pong' });
  await redis.start();
  await stage.runEvents(run.id);
  assert.equal((await stage.services.runs.get(stage.user, run.id)).answer, 'pong');
  await stage.assertClean();
});
