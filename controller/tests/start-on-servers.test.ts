import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { skipTestServers, startTestPostgres, startTestRedis } from '@polydev/setup/test-servers';
import { Redis } from 'ioredis';
import pg from 'pg';
import { scratchFolder, startController } from './controller-process.ts';

const options = { skip: skipTestServers, timeout: 180_000 };

test('what the tests run on is no older than PostgreSQL 15 and Redis 7', options, async (t) => {
  const [postgres, redis] = await Promise.all([startTestPostgres(), startTestRedis()]);
  t.after(() => Promise.all([postgres.remove(), redis.remove()]));
  const database = new pg.Client({ connectionString: postgres.url });
  await database.connect();
  const { rows } = await database.query('show server_version_num').finally(() => database.end());
  assert.ok(Number(rows[0].server_version_num) >= 150_000, rows[0].server_version_num);
  const client = new Redis(redis.url);
  const about = await client.info('server').finally(() => client.disconnect());
  assert.ok(Number(/^redis_version:(\d+)/m.exec(about)?.[1]) >= 7, about);
});

test('a controller on PostgreSQL and Redis outlives both of them, and says when it is well', options, async (t) => {
  const scratch = await scratchFolder(t);
  const [postgres, redis] = await Promise.all([startTestPostgres(), startTestRedis()]);
  t.after(() => Promise.all([postgres.remove(), redis.remove()]));
  const env = { DATABASE_URL: postgres.url, REDIS_URL: redis.url };
  const controller = await startController(t, scratch, [], env);
  const { url, setupPath } = controller.line;
  assert.ok(url, controller.log());
  const healthIs = async (wanted: number) => {
    while ((await fetch(`${url}/health`)).status !== wanted) await sleep(20);
  };
  const post = (path: string, body: object) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const person = { name: 'Ada', password: 'correct horse battery' };
  const setupToken = String(setupPath).split('token=')[1];
  assert.equal((await post('/api/setup', { setupToken, ...person })).status, 201);

  await redis.end('SIGKILL');
  const refused = await post('/api/login', person);
  assert.equal(refused.status, 503);
  assert.equal((await refused.json()).error.code, 'unavailable');
  assert.ok(refused.headers.get('retry-after'));
  await healthIs(200);
  await redis.start();
  while ((await post('/api/login', person)).status === 503);

  await postgres.end('SIGKILL');
  await healthIs(503);
  assert.equal((await post('/api/login', person)).status, 503);
  await postgres.start();
  await healthIs(200);
  assert.ok((await post('/api/login', person)).ok);

  /** By the watch, not by a request that met it. */
  const said = (words: string) =>
    controller
      .log()
      .split('\n')
      .filter((line) => line.includes(`"msg":"${words}"`) && !line.includes('"reqId"')).length;
  for (const store of ['Redis', 'PostgreSQL']) {
    assert.equal(said(`${store} does not answer.`), 1, controller.log());
    assert.equal(said(`${store} answers again.`), 1);
  }
  assert.equal((await controller.stop()).code, 0);
});

test('a controller whose database is away when it is stopped does not wait for it', options, async (t) => {
  const scratch = await scratchFolder(t);
  const postgres = await startTestPostgres();
  t.after(() => postgres.remove());
  const controller = await startController(t, scratch, [], { DATABASE_URL: postgres.url });
  assert.ok(controller.line.url, controller.log());
  await postgres.end('SIGKILL');
  assert.equal((await controller.stop()).code, 0);
});
