import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type ErrorCode, PolydevError } from '@polydev/protocol';
import type { InjectOptions } from 'fastify';
import { gate } from '../testing/tool.ts';
import { createTestApp, host, type TestAppOptions } from './test-app.ts';

const timeout = 60_000;

async function asking(t: Parameters<typeof createTestApp>[0], options: TestAppOptions = {}) {
  const made = await createTestApp(t, options);
  const headers = { host, authorization: await made.bearer() };
  return { ...made, headers };
}

test('an error says code, message, hint and a request id that the log knows', { timeout }, async (t) => {
  const runs = {
    list: async () => {
      throw new PolydevError('no_credential', 'Claude Code is not connected.', { cause: new Error('the inner cause') });
    },
  };
  const { app, headers, log } = await asking(t, { services: { runs } });
  const answer = await app.inject({ url: '/api/runs', headers });
  assert.equal(answer.statusCode, 409);
  const { requestId, ...error } = answer.json().error;
  assert.deepEqual(error, {
    code: 'no_credential',
    message: 'Claude Code is not connected.',
    hint: 'Connect the tool first.',
  });
  assert.match(requestId, /^req_/);
  assert.equal(answer.headers['x-request-id'], requestId);
  assert.ok(
    log.some((line) => line.includes(requestId) && line.includes('the inner cause') && JSON.parse(line).level === 40),
  );
});

test('what failed inside is logged as an error and never sent', { timeout }, async (t) => {
  const runs = {
    list: async () => {
      throw new Error('password=planted in a stack');
    },
  };
  const { app, headers, log } = await asking(t, { services: { runs } });
  const answer = await app.inject({ url: '/api/runs', headers });
  assert.equal(answer.statusCode, 500);
  assert.equal(answer.json().error.code, 'internal');
  assert.doesNotMatch(answer.body, /planted/);
  assert.ok(log.some((line) => JSON.parse(line).level === 50 && line.includes(answer.json().error.requestId)));
});

test('a request that does not fit the schema is told where, and not what it said', { timeout }, async (t) => {
  const { app, headers, log } = await asking(t);
  const payload = { provider: 'claude_code', apiKey: 'planted secret with spaces' };
  const answer = await app.inject({ method: 'POST', url: '/api/credentials', headers, payload });
  assert.equal(answer.statusCode, 400);
  assert.match(answer.json().error.message, /body\.apiKey/);
  assert.doesNotMatch(answer.body + log.join(''), /planted/);
});

test('an id of the wrong kind, broken JSON, an unknown address: each its own code', { timeout }, async (t) => {
  const { app, headers } = await asking(t);
  const broken = { ...headers, 'content-type': 'application/json' };
  const code = async (request: InjectOptions) => (await app.inject(request)).json().error.code;
  assert.equal(await code({ url: '/api/runs/ses_aaaaaaaaaaaaaaaaaaaa', headers }), 'invalid_request');
  assert.equal(await code({ method: 'POST', url: '/api/runs', headers: broken, payload: '{' }), 'invalid_request');
  assert.equal(await code({ method: 'POST', url: '/api/runs', headers: broken, payload: '' }), 'invalid_request');
  assert.equal(await code({ url: '/api/nothing', headers }), 'not_found');
  assert.equal(await code({ method: 'PUT', url: '/api/runs', headers }), 'not_found');
  assert.equal(await code({ url: '/api/runs?limit=many', headers }), 'invalid_request');
  assert.equal(await code({ url: '/api/auth/session/%zz', headers }), 'invalid_request');
});

test('a body that is too long is refused; a prompt may be longer than the rest', { timeout }, async (t) => {
  const started: number[] = [];
  const runs = {
    start: async (_user: unknown, request: { prompt: string }) => {
      started.push(request.prompt.length);
      throw new PolydevError('no_credential', 'Not connected.');
    },
  };
  const { app, headers } = await asking(t, { services: { runs } });
  const name = 'x'.repeat(100_000);
  const token = await app.inject({ method: 'POST', url: '/api/tokens', headers, payload: { name } });
  assert.equal(token.json().error.code, 'payload_too_large');
  const payload = { provider: 'claude_code', prompt: '\n'.repeat(2 * 1024 * 1024) };
  const run = await app.inject({ method: 'POST', url: '/api/runs', headers, payload });
  assert.equal(run.json().error.code, 'no_credential');
  assert.deepEqual(started, [2 * 1024 * 1024]);
});

test('too many requests from one address are told when to come back', { timeout }, async (t) => {
  const { app } = await createTestApp(t, { server: { requestsPerMinute: 3 } });
  const ask = () => app.inject({ url: '/health', headers: { host } });
  for (let n = 0; n < 3; n += 1) assert.equal((await ask()).statusCode, 200);
  const refused = await ask();
  assert.equal(refused.statusCode, 429);
  assert.equal(refused.json().error.code, 'rate_limited');
  assert.ok(Number(refused.headers['retry-after']) > 0);
});

test('what may go well later says when to come back, anything else does not', { timeout }, async (t) => {
  let code: ErrorCode = 'capacity';
  const runs = {
    list: async () => {
      throw new PolydevError(code, 'Not now.');
    },
  };
  const { app, headers } = await asking(t, { services: { runs } });
  const retryAfter = async () => (await app.inject({ url: '/api/runs', headers })).headers['retry-after'];
  assert.ok(Number(await retryAfter()) > 0);
  code = 'unavailable';
  assert.ok(Number(await retryAfter()) > 0);
  code = 'forbidden';
  assert.equal(await retryAfter(), undefined);
});

test('who goes away while it waits for a desktop gets none', { timeout }, async (t) => {
  const asked = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  const sessions = {
    async start(_user: unknown, _request: unknown, signal?: AbortSignal) {
      signal?.addEventListener('abort', () => left.resolve(), { once: true });
      asked.resolve();
      await left.promise;
      throw new PolydevError('sign_in_cancelled', 'Nobody waits for it.');
    },
  };
  const { app, headers } = await asking(t, { services: { sessions } });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const { host: _, ...rest } = headers;
  const leave = new AbortController();
  const request = fetch(`${url}/api/auth/start`, {
    method: 'POST',
    headers: { ...rest, 'content-type': 'application/json' },
    body: JSON.stringify({ provider: 'claude_code' }),
    signal: leave.signal,
  });
  await Promise.race([asked.promise, request.then(async (answer) => assert.fail(await answer.text()))]);
  leave.abort();
  await assert.rejects(request, { name: 'AbortError' });
  await left.promise;
});

test('who is refused is counted too: bad tokens, strangers and unknown paths', { timeout }, async (t) => {
  const bad = { host, authorization: 'Bearer pd_nobody' };
  for (const [url, headers] of [
    ['/api/me', bad],
    ['/api/me', { host }],
    ['/no/such/path', bad],
    ['/no/such/path', { host }],
    ['/api/auth/sessions/ses_x/rfb', { ...bad, origin: 'https://evil.test' }],
  ] as const) {
    const { app } = await createTestApp(t, { server: { requestsPerMinute: 3 } });
    const answers = [];
    for (let n = 0; n < 6; n += 1) answers.push((await app.inject({ url, headers })).statusCode);
    assert.deepEqual(answers, [401, 401, 401, 429, 429, 429], url);
  }
});

test('one address that asks too often does not use up what others may ask', { timeout }, async (t) => {
  const { app } = await createTestApp(t, { server: { requestsPerMinute: 1 } });
  const ask = (remoteAddress: string) => app.inject({ url: '/api/me', headers: { host }, remoteAddress });
  assert.equal((await ask('192.0.2.1')).statusCode, 401);
  assert.equal((await ask('192.0.2.1')).statusCode, 429);
  assert.equal((await ask('192.0.2.2')).statusCode, 401);
});

test('a broken database shows in the health', { timeout }, async (t) => {
  const pingDatabase = async () => {
    throw new Error('gone');
  };
  const { app, headers } = await asking(t, { deps: { pingDatabase } });
  assert.equal((await app.inject({ url: '/health', headers: { host } })).statusCode, 503);
  const details = (await app.inject({ url: '/api/auth/health', headers })).json();
  assert.equal(details.status, 'degraded');
  assert.equal(details.database, false);
});

test('what comes while the server closes is told to come back', { timeout }, async (t) => {
  const { app, headers, listen } = await asking(t);
  const closing = gate();
  app.addHook('preClose', async () => closing.open());
  const port = await listen();
  const accepted = once(app.server, 'connection');
  const socket = connect(port, '127.0.0.1');
  const [served] = await accepted;
  // A request that has begun to arrive holds its connection open.
  socket.write('GET /api/runs HTTP/1.1\r\n');
  while (served.bytesRead === 0) await turn();
  const closed = app.close();
  await closing.wait;
  socket.write(`host: ${host}\r\nauthorization: ${headers.authorization}\r\n\r\n`);
  let said = '';
  for await (const chunk of socket) said += chunk;
  await closed;
  assert.match(said, /^HTTP\/1\.1 503 /);
  assert.match(said, /^retry-after: \d+/im);
  assert.match(said, /^connection: close/im);
  assert.match(said, /"code":"unavailable"/);
});
