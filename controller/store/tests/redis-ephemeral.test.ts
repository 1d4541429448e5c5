import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PolydevError } from '@polydev/protocol';
import { openRedisEphemeral } from '../redis-ephemeral.ts';
import { ephemeralSuite } from './ephemeral-suite.ts';
import { skipRedis, startRedis, type TestRedis } from './redis.ts';

let redis: TestRedis | undefined;
before(async () => {
  if (!skipRedis) redis = await startRedis();
});
after(() => redis?.stop());

ephemeralSuite({
  name: 'redis',
  skip: skipRedis,
  async open(t) {
    assert.ok(redis);
    const store = await openRedisEphemeral({ url: redis.url, prefix: `test-${randomUUID()}:` });
    t.after(() => store.close());
    // Redis has a clock of its own, so here time passes in truth.
    return { store, pass: (ms) => sleep(ms) };
  },
});

test('a Redis that does not answer is a clear error', { timeout: 20_000 }, async () => {
  const opening = openRedisEphemeral({ url: 'redis://127.0.0.1:1' });
  await assert.rejects(opening, (error) => error instanceof PolydevError && error.code === 'unavailable');
});
