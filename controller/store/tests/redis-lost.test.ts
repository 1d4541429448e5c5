import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { skipTestServers, startTestRedis } from '@polydev/setup/test-servers';
import { Redis } from 'ioredis';
import { openRedisEphemeral, type RedisOptions } from '../redis-ephemeral.ts';
import { createTestWatch } from '../testing.ts';
import { startLossyProxy } from './lossy-proxy.ts';

const options = { skip: skipTestServers, timeout: 60_000 };
const away = { code: 'unavailable' };

async function openRedis(t: TestContext) {
  const redis = await startTestRedis();
  t.after(() => redis.remove());
  const open = async (more: Partial<RedisOptions> = {}) => {
    const store = await openRedisEphemeral({ url: redis.url, settleMs: 0, ...more });
    t.after(() => store.close());
    return store;
  };
  return { redis, open };
}

test(
  'every question to a Redis that is away ends as unavailable, and is answered when it is back',
  options,
  async (t) => {
    const { redis, open } = await openRedis(t);
    const { watch, told, until } = createTestWatch();
    const store = await open({ watch });
    const lease = await store.lease('a', 60_000);
    await redis.end('SIGKILL');
    const questions = [
      () => store.set('a', 'one', 60_000),
      () => store.get('a'),
      () => store.take('a'),
      () => store.delete('a'),
      () => store.lease('b', 60_000),
      () => store.hit('a', 60_000),
      () => store.publish('a', ''),
      async () => lease?.renew(),
    ];
    await Promise.all(questions.map((question) => assert.rejects(question(), away)));
    await redis.start();
    await until(2);
    for (const question of questions) await question();
    assert.deepEqual(told, ['lost', 'back']);
  },
);

test('a short absence is not noticed by who asks', options, async (t) => {
  const { redis, open } = await openRedis(t);
  const store = await open({ answerMs: 30_000 });
  await redis.end('SIGTERM');
  const [answer] = await Promise.all([store.hit('a', 60_000), redis.start()]);
  assert.equal(answer, 1);
});

test('after Redis lost everything a lease is its holder’s again, before anyone else gets it', options, async (t) => {
  const { redis, open } = await openRedis(t);
  const { watch, until } = createTestWatch();
  const holder = await open({ settleMs: 5_000, answerMs: 30_000 });
  const other = await open({ settleMs: 5_000, answerMs: 30_000, watch });
  const lease = await holder.lease('a', 60_000);
  assert.ok(lease);
  await redis.end('SIGKILL');
  await redis.start();
  await until(2);
  assert.equal(await other.lease('a', 60_000), null);
  assert.equal(await lease.renew(), true);
  await lease.release();
  assert.ok(await other.lease('a', 60_000));
});

test('a lease whose holder died with Redis is free when the others have had their time', options, async (t) => {
  const { redis, open } = await openRedis(t);
  const other = await open({ settleMs: 500, answerMs: 30_000 });
  const holder = await openRedisEphemeral({ url: redis.url, settleMs: 0 });
  assert.ok(await holder.lease('a', 60_000));
  await holder.close();
  await redis.end('SIGKILL');
  const [lease] = await Promise.all([other.lease('a', 60_000), redis.start()]);
  assert.ok(lease);
});

test('a Redis whose clock was put back is as one that has just begun', options, async (t) => {
  const { redis, open } = await openRedis(t);
  const store = await open({ settleMs: 300 });
  const clock = new Redis(redis.url);
  t.after(() => clock.disconnect());
  await clock.set('polydev:born', Date.now() + 60 * 60_000);
  assert.ok(await store.lease('a', 60_000));
});

test('who subscribed hears again, also who did while Redis was away', options, async (t) => {
  const { redis, open } = await openRedis(t);
  const { watch, until } = createTestWatch();
  const store = await open({ watch });
  const heard = { before: Promise.withResolvers<void>(), meanwhile: Promise.withResolvers<void>() };
  await store.subscribe('before', (message) => message === 'hello' && heard.before.resolve());
  await redis.end('SIGKILL');
  await store.subscribe('meanwhile', (message) => message === 'hello' && heard.meanwhile.resolve());
  await redis.start();
  await until(2);
  const both = Promise.all([heard.before.promise, heard.meanwhile.promise]).then(() => true);
  const sayHello = async () => {
    for (const channel of ['before', 'meanwhile']) await store.publish(channel, 'hello');
    return false;
  };
  // Redis does not tell its clients' subscriptions from its answers to others, so say it until it is heard.
  while (!(await Promise.race([both, sayHello()])));
});

test(
  'a Redis that falls silent is unavailable within moments, and goes on when it speaks again',
  options,
  async (t) => {
    const { redis, open } = await openRedis(t);
    const proxy = await startLossyProxy(t, redis.url);
    const store = await open({ url: proxy.url });
    await store.set('a', 'one', 60_000);
    proxy.fallSilent();
    await assert.rejects(store.get('a'), away);
    proxy.speakAgain();
    assert.equal(await store.get('a'), 'one');
  },
);
