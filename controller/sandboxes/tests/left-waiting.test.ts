import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
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
