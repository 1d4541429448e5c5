import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { PolydevError } from '@polydev/protocol';
import { sandboxes } from '../../store/schema.ts';
import { openStage, type Stage, testTimeout } from '../../testing/stage.ts';
import { gate, hangs } from '../../testing/tool.ts';

/** A stage whose host service can go away: nothing is destroyed until it is back. */
async function open(t: TestContext) {
  const stage = await openStage(t);
  const { destroy } = stage.driver;
  let isAway = false;
  const asked = gate();
  stage.driver.destroy = async (id) => {
    if (!isAway) return await destroy(id);
    asked.open();
    throw new PolydevError('unavailable', 'The host service does not answer.');
  };
  const leave = () => {
    isAway = true;
  };
  /** It is back: now everything goes. */
  const comeBack = async () => {
    isAway = false;
    while ((await present(stage)).length > 0) {
      stage.clock.jump(1_000);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await stage.assertClean();
  };
  return { stage, leave, comeBack, asked: asked.wait };
}

async function present(stage: Stage) {
  const rows = await stage.db.select().from(sandboxes);
  return rows.filter(({ state }) => state !== 'gone').map(({ state }) => state);
}

test('a sign-in is cancelled while the host service is away; its desktop goes later', testTimeout, async (t) => {
  const { stage, leave, comeBack } = await open(t);
  const { session } = await stage.signIn();
  leave();
  const { state } = await stage.services.sessions.cancel(stage.user, session.id);
  assert.equal(state, 'cancelled');
  assert.deepEqual(await present(stage), ['stopping']);
  assert.equal((await stage.driver.list()).length, 1);
  assert.deepEqual([...stage.granted], []);
  await comeBack();
});

test('a run is cancelled while the host service is away; its sandbox goes later', testTimeout, async (t) => {
  const { stage, leave, comeBack } = await open(t);
  await stage.connect();
  stage.script.run = hangs;
  const { id } = await stage.services.runs.start(stage.user, { provider: 'claude_code', prompt: 'ping' });
  await stage.untilRun(id, (event) => event.type === 'event');
  leave();
  const { state } = await stage.services.runs.cancel(stage.user, id);
  assert.equal(state, 'cancelled');
  assert.deepEqual(await present(stage), ['stopping']);
  await stage.services.runs.remove(stage.user, id);
  await comeBack();
});

test('one that is broken off at its boot while the host service is away goes later', testTimeout, async (t) => {
  const { stage, leave, comeBack, asked } = await open(t);
  const [booting, hold] = [gate(), gate()];
  stage.script.boot = async () => {
    booting.open();
    await hold.wait;
  };
  const session = await stage.services.sessions.start(stage.user, { provider: 'claude_code' });
  await booting.wait;
  leave();
  const { state } = await stage.services.sessions.cancel(stage.user, session.id);
  assert.equal(state, 'cancelled');
  await asked;
  hold.open();
  await comeBack();
});
