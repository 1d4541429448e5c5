import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createKeyPair } from '@polydev/vault/box';
import { createAgentClient } from '../../agent/client.ts';
import { openStage, testTimeout } from '../../testing/stage.ts';

/** With one of each profile that waits. */
async function open(t: TestContext) {
  const stage = await openStage(t);
  await stage.recover();
  await stage.start();
  const ids = async () => (await stage.driver.list()).map(({ id }) => id).sort();
  const areUp = async () => {
    const present = await stage.services.sandboxes.list(stage.user);
    return present.length === 2 && present.every(({ state }) => state === 'idle' || state === 'hibernated');
  };
  while (!(await areUp())) await new Promise((resolve) => setTimeout(resolve, 10));
  return { stage, ids };
}

test('sandboxes that wait are left by a hand-over, and wait for who starts next', testTimeout, async (t) => {
  const { stage, ids } = await open(t);
  const before = await ids();
  await stage.restart();
  assert.deepEqual(await ids(), before);
  assert.deepEqual(stage.services.sandboxes.waiting(), { desktop: 1, headless: 1 });
  await stage.stop();
  await stage.assertClean();
});

test('those made from another image are not taken up', testTimeout, async (t) => {
  const { stage, ids } = await open(t);
  await stage.restart({ image: async () => 'e'.repeat(64) });
  assert.deepEqual(await ids(), []);
  assert.deepEqual(stage.services.sandboxes.waiting(), { desktop: 0, headless: 0 });
});

test('one that turns out to be unwell when it is wanted is replaced, and nobody notices', testTimeout, async (t) => {
  const { stage } = await open(t);
  await stage.connect();
  const waiting = (await stage.services.sandboxes.list(stage.user)).find(({ profile }) => profile === 'headless');
  assert.ok(waiting);
  const agentOf = stage.driver.agentOf(waiting.id);
  const [info] = (await stage.driver.list()).filter(({ id }) => id === waiting.id);
  assert.ok(info);
  // It answers, but lets nobody claim it any more.
  const unwell = createAgentClient({ endpoint: info.address.agent, token: agentOf.spec.token });
  await stage.driver.resume(waiting.id);
  await unwell.claim({ provider: 'claude_code', controllerPublicKey: createKeyPair().publicKey, capture: false });
  const run = await stage.services.runs.start(stage.user, { provider: 'claude_code', prompt: 'hi' });
  await stage.runEvents(run.id);
  assert.equal((await stage.services.runs.get(stage.user, run.id)).state, 'succeeded');
  assert.ok(!(await stage.driver.list()).some(({ id }) => id === waiting.id));
});
