import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createApiTokens } from '../auth/api-tokens.ts';
import { openDatabase } from '../store/database.ts';
import { createEventLog } from '../store/events.ts';
import { createMemoryEphemeral } from '../store/memory-ephemeral.ts';
import { createTestDatabase, createTestWatch, testDatabaseUrl } from '../store/testing.ts';
import { startLossyProxy } from '../store/tests/lossy-proxy.ts';
import { openStage } from '../testing/stage.ts';
import { createTestApp, host } from './test-app.ts';

test('a request that waits for a database that fell silent finds that out, and the next ones need not', {
  skip: testDatabaseUrl ? false : 'POLYDEV_TEST_DATABASE_URL names no PostgreSQL',
  timeout: 60_000,
}, async (t) => {
  let close = async () => {};
  const proxy = await startLossyProxy(t, await createTestDatabase(t));
  const { watch, until } = createTestWatch();
  const database = await openDatabase({ url: proxy.url, watch });
  close = database.close;
  const ephemeral = createMemoryEphemeral();
  const store = { ...database, ephemeral, events: createEventLog(database, ephemeral) };
  const stage = await openStage(t, { store });
  const { app } = await createTestApp(t, { store, services: stage.services });
  t.after(() => close());
  const { secret } = await createApiTokens(store.db).create(stage.user, { name: 'test', scopes: ['read'] });
  const ask = () => app.inject({ url: '/api/runs', headers: { host, authorization: `Bearer ${secret}` } });
  assert.equal((await ask()).statusCode, 200);
  proxy.fallSilent();
  for (const answer of await Promise.all([ask(), ask()])) assert.equal(answer.json().error.code, 'unavailable');
  assert.equal((await ask()).statusCode, 503);
  proxy.speakAgain();
  await until(2);
  assert.equal((await ask()).statusCode, 200);
});
