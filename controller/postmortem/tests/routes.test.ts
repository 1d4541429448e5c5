import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId, PolydevError, type SandboxLogs } from '@polydev/protocol';
import { createTestApp, host } from '../../tests/test-app.ts';

const timeout = 60_000;

test('logs are JSON, a picture is a PNG that nobody stores; by the id of a sandbox, a sign-in or a run', {
  timeout,
}, async (t) => {
  const id = newId('sandbox');
  const logs: SandboxLogs = {
    ...{ id, owner: null, profile: 'desktop', provider: null, image: null, createdAtMs: 1, endedAtMs: 2 },
    reason: { code: 'sandbox_failed', message: 'It died.', hint: 'Try again.' },
    timeline: [
      { atMs: 1, of: 'sandbox', state: 'booting' },
      { atMs: 2, of: 'session', event: { type: 'opened', page: 'https://example.org/' } },
      { atMs: 3, of: 'run', state: 'failed', reason: null },
    ],
    ...{ console: 'a\n', journal: 'b\n', picture: true },
  };
  const asked: string[] = [];
  const { app, bearer } = await createTestApp(t, {
    services: {
      sandboxes: {
        logs: async (_, known) => {
          asked.push(known);
          return logs;
        },
        screenshot: async (_, known) => {
          if (known !== id) throw new PolydevError('not_found', 'There is no picture of this sandbox.');
          return Buffer.from('\x89PNG', 'latin1');
        },
      },
    },
  });
  const headers = { host, authorization: await bearer() };
  const get = (path: string) => app.inject({ url: `/api/sandboxes/${path}`, headers });
  const ids = [id, newId('session'), newId('run')];
  for (const known of ids) assert.deepEqual((await get(`${known}/logs`)).json(), logs);
  assert.deepEqual(asked, ids);
  assert.equal((await get('../etc/logs')).statusCode, 404);
  assert.equal((await get(`${newId('user')}/logs`)).json().error.code, 'invalid_request');

  const picture = await get(`${id}/screenshot`);
  assert.equal(picture.headers['content-type'], 'image/png');
  assert.equal(picture.headers['cache-control'], 'no-store');
  assert.deepEqual(picture.rawPayload, Buffer.from('\x89PNG', 'latin1'));
  assert.equal((await get(`${newId('run')}/screenshot`)).json().error.code, 'not_found');
});
