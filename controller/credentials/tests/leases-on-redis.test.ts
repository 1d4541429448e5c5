import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '@polydev/protocol';
import { skipTestServers, startTestRedis } from '@polydev/setup/test-servers';
import type { EphemeralStore } from '../../store/ephemeral.ts';
import { openRedisEphemeral } from '../../store/redis-ephemeral.ts';
import { createTestWatch } from '../../store/testing.ts';
import { createLeases } from '../leases.ts';

test('two controllers never have one credential at once, however often Redis loses everything', {
  skip: skipTestServers,
  timeout: 180_000,
}, async (t) => {
  const redis = await startTestRedis();
  const { watch, until } = createTestWatch();
  const settleMs = 5_000;
  const one = await openRedisEphemeral({ url: redis.url, settleMs, answerMs: 30_000 });
  const two = await openRedisEphemeral({ url: redis.url, settleMs, answerMs: 30_000, watch });
  t.after(async () => {
    await Promise.all([one.close(), two.close()]);
    await redis.remove();
  });
  let refused = () => {};
  const heard: EphemeralStore = {
    ...two,
    async lease(key, ttlMs) {
      const lease = await two.lease(key, ttlMs);
      if (!lease) refused();
      return lease;
    },
  };
  const nextRefusal = () =>
    new Promise<void>((resolve) => {
      refused = resolve;
    });

  const id = newId('credential');
  const held = await createLeases(one, { holder: 'one' }).take(id);
  let given = false;
  let refusal = nextRefusal();
  const waiting = createLeases(heard, { holder: 'two' }).wait(id, new AbortController().signal);
  void waiting.then(() => {
    given = true;
  });
  await refusal;
  for (let times = 1; times <= 3; times += 1) {
    await redis.end('SIGKILL');
    refusal = nextRefusal();
    await redis.start();
    await until(2 * times);
    await refusal;
    assert.equal(given, false);
    assert.equal(held.lost.aborted, false);
  }
  await held.release();
  await (await waiting).release();
});
