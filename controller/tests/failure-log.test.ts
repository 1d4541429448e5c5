import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStage, testTimeout } from '../testing/stage.ts';
import { hangs, toolFails } from '../testing/tool.ts';

const ask = { provider: 'claude_code', prompt: 'hi' } as const;

interface Line {
  level: number;
  session?: string;
  run?: string;
  code?: string;
  err?: { stack: string };
}

const linesAbout = (logged: string, id: string): Line[] =>
  logged
    .split('\n')
    .filter((line) => line.includes(id))
    .map((line) => JSON.parse(line));

test(
  'a run that failed is in the log under its id with the cause, without what the tool said',
  testTimeout,
  async (t) => {
    const stage = await openStage(t);
    await stage.connect();
    const { runs } = stage.services;

    stage.script.boot = () => {
      throw new Error('no kernel for this machine');
    };
    const unbooted = await runs.start(stage.user, ask);
    await stage.runEvents(unbooted.id);
    const [line, ...more] = linesAbout(stage.logged(), unbooted.id);
    assert.deepEqual(more, []);
    assert.equal(line?.level, 40);
    assert.equal(line.code, 'sandbox_failed');
    assert.match(String(line.err?.stack), /no kernel for this machine/);
    delete stage.script.boot;

    stage.script.run = toolFails('server_error', 'planted words of the tool');
    const failed = await runs.start(stage.user, ask);
    await stage.runEvents(failed.id);
    assert.deepEqual(
      linesAbout(stage.logged(), failed.id).map(({ code }) => code),
      ['provider_failed'],
    );
    assert.doesNotMatch(stage.logged(), /planted words/);
    assert.match((await runs.get(stage.user, failed.id)).reason?.message ?? '', /planted words/);

    stage.script.run = hangs;
    const cancelled = await runs.start(stage.user, ask);
    await stage.untilRun(cancelled.id, (event) => event.type === 'event');
    await runs.cancel(stage.user, cancelled.id);
    assert.deepEqual(linesAbout(stage.logged(), cancelled.id), [], 'who cancels knows');
  },
);

test('so is a sign-in that failed or ran out of time', testTimeout, async (t) => {
  const stage = await openStage(t);
  const broken = await stage.signIn();
  await broken.agent.close();
  await stage.sessionEvents(broken.session.id);
  const [line] = linesAbout(stage.logged(), broken.session.id);
  assert.equal(line?.code, 'agent_unreachable');
  assert.match(String(line.err?.stack), /caused by/);

  const slow = await stage.signIn();
  stage.clock.jump(60 * 60_000);
  await stage.sessionEvents(slow.session.id);
  assert.deepEqual(
    linesAbout(stage.logged(), slow.session.id).map(({ code }) => code),
    ['sign_in_timeout'],
  );

  const cancelled = await stage.signIn();
  await stage.services.sessions.cancel(stage.user, cancelled.session.id);
  assert.deepEqual(linesAbout(stage.logged(), cancelled.session.id), []);
});
