import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPolydev, PolydevApiError } from '../index.ts';
import { json, startServer } from './server.ts';

const timeout = 10_000;

test('a token goes along as a bearer token, a body as JSON', { timeout }, async (t) => {
  const { baseUrl, asked } = await startServer(t, (_, response) => json(response, 201, { id: 'run_1' }));
  const polydev = createPolydev({ baseUrl: `${baseUrl}/`, token: 'pdv_secret' });
  await polydev.runs.start({ provider: 'claude_code', prompt: 'hello' });
  assert.equal(asked[0]?.method, 'POST');
  assert.equal(asked[0]?.path, '/api/runs');
  assert.equal(asked[0]?.headers.authorization, 'Bearer pdv_secret');
  assert.equal(asked[0]?.headers['content-type'], 'application/json');
  assert.deepEqual(JSON.parse(asked[0]?.body ?? ''), { provider: 'claude_code', prompt: 'hello' });
});

test('a request without a body claims no content type, and 204 is undefined', { timeout }, async (t) => {
  const { baseUrl, asked } = await startServer(t, (_, response) => response.writeHead(204).end());
  const polydev = createPolydev({ baseUrl });
  assert.equal(await polydev.logout(), undefined);
  assert.equal(asked[0]?.headers['content-type'], undefined);
  assert.equal(asked[0]?.headers.authorization, undefined);
});

test('a list is its items', { timeout }, async (t) => {
  const { baseUrl, asked } = await startServer(t, (_, response) => json(response, 200, { items: [{ id: 'run_1' }] }));
  const polydev = createPolydev({ baseUrl });
  assert.deepEqual(await polydev.runs.list({ limit: 5, before: 'run_9' }), [{ id: 'run_1' }]);
  assert.equal(asked[0]?.path, '/api/runs?limit=5&before=run_9');
});

test('every method asks at its own address', { timeout }, async (t) => {
  const { baseUrl, asked } = await startServer(t, (_, response) => json(response, 200, { items: [] }));
  const polydev = createPolydev({ baseUrl });
  const expected: [() => Promise<unknown>, string, unknown?][] = [
    [() => polydev.profile.change({ name: 'Ada' }), 'PATCH /api/me', { name: 'Ada' }],
    [
      () => polydev.profile.changePassword({ password: 'old', newPassword: 'a new password' }),
      'POST /api/me/password',
      { password: 'old', newPassword: 'a new password' },
    ],
    [() => polydev.logins.list(), 'GET /api/logins'],
    [() => polydev.logins.end('lgn_1'), 'DELETE /api/logins/lgn_1'],
    [() => polydev.logins.endOthers(), 'DELETE /api/logins'],
    [
      () => polydev.tokens.create({ name: 'ci', scopes: ['run'], expiresAtMs: 1 }),
      'POST /api/tokens',
      { name: 'ci', scopes: ['run'], expiresAtMs: 1 },
    ],
    [() => polydev.sessions.list(), 'GET /api/auth/sessions'],
    [
      () => polydev.sessions.list({ provider: 'claude_code', state: 'active', limit: 5, before: 'ses_9' }),
      'GET /api/auth/sessions?provider=claude_code&state=active&limit=5&before=ses_9',
    ],
    [() => polydev.credentials.list({ provider: 'claude_code' }), 'GET /api/credentials?provider=claude_code'],
    [() => polydev.credentials.rename('crd_1', 'work'), 'PATCH /api/credentials/crd_1', { label: 'work' }],
    [
      () => polydev.credentials.usage('crd_1', 'Europe/Berlin'),
      'GET /api/credentials/crd_1/usage?timeZone=Europe%2FBerlin',
    ],
    [() => polydev.usage.list('UTC'), 'GET /api/usage?timeZone=UTC'],
    [() => polydev.sandboxes.logs('run_1'), 'GET /api/sandboxes/run_1/logs'],
    [() => polydev.sandboxes.screenshot('ses_1'), 'GET /api/sandboxes/ses_1/screenshot'],
    [
      () => polydev.runs.list({ credentialId: 'crd_1', search: 'a b&c' }),
      'GET /api/runs?credentialId=crd_1&search=a+b%26c',
    ],
  ];
  for (const [call] of expected) await call();
  assert.deepEqual(
    asked.map(({ method, path, body }) => [`${method} ${path}`, body === '' ? undefined : JSON.parse(body)]),
    expected.map(([, address, body]) => [address, body]),
  );
});

test('usage is asked for in the days of this machine', { timeout }, async (t) => {
  const { baseUrl, asked } = await startServer(t, (_, response) => json(response, 200, { items: [] }));
  await createPolydev({ baseUrl }).usage.list();
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  assert.equal(new URL(asked[0]?.path ?? '', baseUrl).searchParams.get('timeZone'), here);
});

test('a console is text', { timeout }, async (t) => {
  const { baseUrl, asked } = await startServer(t, (_, response) => response.end('a\n"b"'));
  assert.equal(await createPolydev({ baseUrl }).sessions.console('ses_1'), 'a\n"b"');
  assert.equal(asked[0]?.path, '/api/auth/session/ses_1/console');
});

test('an error keeps code, sentence, hint, request id and status', { timeout }, async (t) => {
  const error = { code: 'no_credential', message: 'Not connected.', hint: 'Connect first.', requestId: 'req_1' };
  const { baseUrl } = await startServer(t, (_, response) => json(response, 409, { error }));
  await assert.rejects(createPolydev({ baseUrl }).me(), (thrown) => {
    assert.ok(thrown instanceof PolydevApiError);
    const { code, message, hint, requestId, status } = thrown;
    assert.deepEqual({ code, message, hint, requestId, status }, { ...error, status: 409 });
    return true;
  });
});

test('an answer that is not Polydev’s says so', { timeout }, async (t) => {
  const { baseUrl } = await startServer(t, ({ path }, response) => {
    response.writeHead(path === '/api/me' ? 502 : 200).end('<h1>proxy</h1>');
  });
  const polydev = createPolydev({ baseUrl });
  await assert.rejects(polydev.me(), { code: 'bad_answer', status: 502 });
  await assert.rejects(polydev.providers.list(), { code: 'bad_answer', status: 200 });
});

test('no server is one clear error', { timeout }, async () => {
  await assert.rejects(createPolydev({ baseUrl: 'http://127.0.0.1:1' }).me(), { code: 'unreachable', status: 0 });
});

test('the ticket of a desktop is offered as a subprotocol, never in the address', { timeout }, async (t) => {
  const { baseUrl } = await startServer(t, (_, response) => json(response, 200, { ticket: 'T1', expiresInMs: 30_000 }));
  const { url, protocols } = await createPolydev({ baseUrl }).sessions.display('ses_1');
  assert.equal(url, `${baseUrl.replace('http', 'ws')}/api/auth/session/ses_1/novnc/websock`);
  assert.deepEqual(protocols, ['binary', 'ticket.T1']);
});

test('the server’s clock is known after its first answer', { timeout }, async (t) => {
  const aheadMs = 3_600_000;
  const { baseUrl } = await startServer(t, (_, response) => {
    response.setHeader('date', new Date(Date.now() + aheadMs).toUTCString());
    json(response, 200, { needed: false, demo: false });
  });
  const polydev = createPolydev({ baseUrl });
  const startedMs = performance.now();
  await polydev.setup.status();
  const tookMs = performance.now() - startedMs;
  // A date has whole seconds.
  assert.ok(Math.abs(polydev.serverNowMs() - Date.now() - aheadMs) <= 1000 + tookMs);
});
