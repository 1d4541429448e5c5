import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestApp, host, origin } from './test-app.ts';

/** All that anyone may call. A new entry here is a decision. */
const open = new Set([
  'GET /',
  'GET /health',
  'GET /login',
  'GET /setup',
  'GET /dashboard',
  'GET /dashboard/*',
  'GET /api/setup',
  'POST /api/setup',
  'POST /api/login',
  // Opened by a ticket.
  'GET /api/auth/session/:id/novnc/websock',
]);

const examples = { session: 'ses_', run: 'run_', credential: 'crd_', sandbox: 'sbx_', token: 'tok_' };

function concrete(path: string): string {
  const kind = Object.entries(examples).find(([name]) => path.includes(name))?.[1] ?? examples.session;
  return path.replace(':id', `${kind}${'a'.repeat(20)}`).replace('*', 'x');
}

test('without cookie or token every route but the listed ones answers 401', { timeout: 60_000 }, async (t) => {
  const routes: { method: string; path: string }[] = [];
  const onRoute = (methods: string[], path: string) => routes.push(...methods.map((method) => ({ method, path })));
  const { app } = await createTestApp(t, { server: { onRoute } });
  await app.ready();
  assert.ok(routes.length > 30, `${routes.length} routes`);
  const unguarded: string[] = [];
  for (const { method, path } of routes) {
    const answer = await app.inject({ method: method as 'GET', url: concrete(path), headers: { host, origin } });
    if (answer.statusCode !== 401) unguarded.push(`${method} ${path}`);
    else if (method !== 'HEAD') assert.equal(answer.json().error.code, 'not_signed_in', path);
  }
  assert.deepEqual(unguarded.sort(), [...open].sort());
});

test('unknown addresses tell nothing to strangers', { timeout: 60_000 }, async (t) => {
  const { app } = await createTestApp(t);
  for (const url of ['/api/unknown', '/unknown', '/.env', '/dashboardx'])
    assert.equal((await app.inject({ url, headers: { host } })).statusCode, 401, url);
});

test('a wrong cookie, a wrong token and a token of the wrong shape are nobody', { timeout: 60_000 }, async (t) => {
  const { app } = await createTestApp(t);
  for (const headers of [
    { cookie: 'polydev_4000=wrong' },
    { authorization: 'Bearer pd_wrong' },
    { authorization: 'Bearer' },
    { authorization: 'Basic YTpi' },
  ]) {
    const answer = await app.inject({ url: '/api/me', headers: { host, ...headers } });
    assert.equal(answer.statusCode, 401, JSON.stringify(headers));
  }
});
