import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Scope, scopes } from '@polydev/protocol';
import fastify from 'fastify';
import { type Access, addGuard } from '../auth/guard.ts';
import { apiTokens } from '../store/schema.ts';
import { createTestApp, host } from './test-app.ts';

const timeout = 60_000;

/** All that a token may call beyond `read`. A new entry here is a decision. */
const needed: Record<string, Scope> = {
  'POST /api/runs': 'run',
  'DELETE /api/runs/:id': 'run',
  'POST /api/runs/:id/cancel': 'run',
  'POST /api/auth/start': 'connect',
  'DELETE /api/auth/session/:id': 'connect',
  'POST /api/auth/session/:id/extend': 'connect',
  'POST /api/auth/session/:id/ticket': 'connect',
  'GET /api/sandboxes/:id/screenshot': 'connect',
  'POST /api/credentials': 'connect',
  'PATCH /api/credentials/:id': 'connect',
  'DELETE /api/credentials/:id': 'connect',
  'POST /api/credentials/:id/test': 'connect',
  'PATCH /api/me': 'admin',
  'POST /api/me/password': 'admin',
  'GET /api/logins': 'admin',
  'DELETE /api/logins': 'admin',
  'DELETE /api/logins/:id': 'admin',
  'GET /api/tokens': 'admin',
  'POST /api/tokens': 'admin',
  'DELETE /api/tokens/:id': 'admin',
};
const prefixes = [
  ['session', 'ses_'],
  ['run', 'run_'],
  ['credential', 'crd_'],
  ['sandbox', 'sbx_'],
  ['token', 'tok_'],
  ['login', 'lgn_'],
] as const;

function concrete(path: string): string {
  const prefix = prefixes.find(([name]) => path.includes(name))?.[1] ?? '';
  return path.replace(':id', `${prefix}${'a'.repeat(20)}`).replace('*', 'x');
}

/** What of all routes a token of this scope may not call. */
async function refusedTo(t: Parameters<typeof createTestApp>[0], scope: Scope) {
  const routes: string[] = [];
  const onRoute = (methods: string[], path: string) => routes.push(...methods.map((method) => `${method} ${path}`));
  const { app, bearer } = await createTestApp(t, { server: { onRoute } });
  const headers = { host, authorization: await bearer(scope) };
  const refused: string[] = [];
  for (const route of routes) {
    const [method, path = ''] = route.split(' ');
    const answer = await app.inject({ method: method as 'GET', url: concrete(path), headers });
    assert.notEqual(answer.statusCode, 401, route);
    if (answer.statusCode === 403 && answer.json().error.code === 'scope_missing') refused.push(route);
  }
  return refused.sort();
}

for (const scope of scopes) {
  test(`a token with the scope ${scope} may call what that scope is for, and no more`, { timeout }, async (t) => {
    const expected = Object.entries(needed).filter(([, asked]) => scope !== 'admin' && asked !== scope);
    assert.deepEqual(await refusedTo(t, scope), expected.map(([route]) => route).sort());
  });
}

test('a route that does not say whom it is for keeps the server from starting', { timeout }, async (t) => {
  const start = async (access?: Access) => {
    const app = fastify();
    t.after(() => app.close());
    const nobody = { find: async () => null };
    await addGuard(app, { logins: nobody, apiTokens: nobody, publicUrl: null } as unknown as Parameters<
      typeof addGuard
    >[1]);
    app.get('/mine', access ? { config: { access } } : {}, async () => 'mine');
    await app.ready();
  };
  await start('read');
  await assert.rejects(start(), /GET \/mine does not say whom it is for/);
});

test('what a token lacks is said by name; an unknown address is just not there', { timeout }, async (t) => {
  const { app, bearer } = await createTestApp(t);
  const headers = { host, authorization: await bearer('read') };
  const payload = { provider: 'claude_code', prompt: 'hi' };
  const answer = await app.inject({ method: 'POST', url: '/api/runs', headers, payload });
  assert.equal(answer.statusCode, 403);
  assert.match(answer.json().error.message, /`run`/);
  assert.equal((await app.inject({ url: '/api/nothing', headers })).json().error.code, 'not_found');
});

test('a token without scopes said is one for runs; unknown scopes and none at all are refused', {
  timeout,
}, async (t) => {
  const { app, bearer } = await createTestApp(t);
  const headers = { host, authorization: await bearer() };
  const create = (payload: object) => app.inject({ method: 'POST', url: '/api/tokens', headers, payload });
  const created = (await create({ name: 'ci' })).json().token;
  assert.deepEqual(created.scopes, ['run']);
  assert.equal(created.expiresAtMs, null);
  for (const scopes of [[], ['root'], ['run', 'run'], 'admin'])
    assert.equal((await create({ name: 'x', scopes })).statusCode, 400, JSON.stringify(scopes));
});

test('a token that has expired says so', { timeout }, async (t) => {
  const { app, bearer, db } = await createTestApp(t);
  const admin = { host, authorization: await bearer() };
  const payload = { name: 'ci', expiresAtMs: Date.now() + 60_000 };
  const { secret } = (await app.inject({ method: 'POST', url: '/api/tokens', headers: admin, payload })).json();
  const headers = { host, authorization: `Bearer ${secret}` };
  assert.equal((await app.inject({ url: '/api/me', headers })).statusCode, 200);
  await db.update(apiTokens).set({ expiresAtMs: 1_000 });
  const answer = await app.inject({ url: '/api/me', headers });
  assert.equal(answer.statusCode, 401);
  assert.equal(answer.json().error.code, 'not_signed_in');
  assert.equal(answer.json().error.message, 'The API token “ci” expired at 1970-01-01T00:00:01.000Z.');
});

test('no token expires before it is made', { timeout }, async (t) => {
  const { app, bearer } = await createTestApp(t);
  const headers = { host, authorization: await bearer() };
  const payload = { name: 'ci', expiresAtMs: Date.now() - 1 };
  const answer = await app.inject({ method: 'POST', url: '/api/tokens', headers, payload });
  assert.equal(answer.json().error.code, 'invalid_request');
});

test('the OpenAPI document names the scope of every operation', { timeout }, async (t) => {
  const { app, bearer } = await createTestApp(t);
  const { paths } = (
    await app.inject({ url: '/api/openapi.json', headers: { host, authorization: await bearer() } })
  ).json();
  const { security } = paths['/api/runs'].post;
  assert.deepEqual(security, [{ token: ['run'] }, { login: [] }]);
  for (const [path, operations] of Object.entries<Record<string, { security?: { token?: Scope[] }[] }>>(paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const route = `${method.toUpperCase()} ${path.replace('{id}', ':id')}`;
      const [byToken] = operation.security ?? assert.fail(route);
      if (byToken) assert.deepEqual(byToken.token, [needed[route] ?? 'read'], route);
    }
  }
});
