import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PolydevError } from '@polydev/protocol';
import { openRedisEphemeral } from '../redis-ephemeral.ts';
import { testRedisUrl } from '../testing.ts';
import { ephemeralSuite } from './ephemeral-suite.ts';

ephemeralSuite({
  name: 'redis',
  skip: testRedisUrl ? false : 'POLYDEV_TEST_REDIS_URL names no Redis',
  async open(t) {
    assert.ok(testRedisUrl);
    const prefix = `test-${randomUUID()}:`;
    const store = await openRedisEphemeral({ url: testRedisUrl, prefix, settleMs: 0, answerMs: 30_000 });
    t.after(() => store.close());
    // Redis has a clock of its own, so here time passes in truth.
    return { store, pass: (ms) => sleep(ms) };
  },
});

test('a Redis that does not answer is a clear error', { timeout: 20_000 }, async () => {
  const opening = openRedisEphemeral({ url: 'redis://127.0.0.1:1' });
  await assert.rejects(opening, (error) => error instanceof PolydevError && error.code === 'unavailable');
});
