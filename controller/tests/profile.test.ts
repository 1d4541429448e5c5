import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '@polydev/protocol';
import { createApiTokens } from '../auth/api-tokens.ts';
import { users } from '../store/schema.ts';
import { createTestApp, host, origin, owner } from './test-app.ts';

const timeout = 60_000;
const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const newPassword = 'another battery horse';

async function signedIn(t: Parameters<typeof createTestApp>[0]) {
  const made = await createTestApp(t);
  const { cookie, user } = await made.signIn();
  const ask = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, payload?: object, as = cookie) =>
    made.app.inject({ method, url, headers: { host, origin, cookie: as }, ...(payload && { payload }) });
  const logIn = async (password: string, agent = firefox) => {
    const headers = { host, origin, 'user-agent': agent };
    const answer = await made.app.inject({
      method: 'POST',
      url: '/api/login',
      headers,
      payload: { ...owner, password },
    });
    const [found] = answer.cookies;
    return { status: answer.statusCode, cookie: `${found?.name}=${found?.value}` };
  };
  return { ...made, user, cookie, ask, logIn };
}

test('a new name is the one to sign in with', { timeout }, async (t) => {
  const { app, ask } = await signedIn(t);
  const changed = await ask('PATCH', '/api/me', { name: '  Ada Lovelace ' });
  assert.equal(changed.json().name, 'Ada Lovelace');
  assert.equal((await ask('GET', '/api/me')).json().name, 'Ada Lovelace');
  const payload = { name: 'Ada Lovelace', password: owner.password };
  const answer = await app.inject({ method: 'POST', url: '/api/login', headers: { host, origin }, payload });
  assert.equal(answer.statusCode, 200);
});

test('a name that another has, is blank or holds control characters is refused', { timeout }, async (t) => {
  const { db, ask } = await signedIn(t);
  const eve = { id: newId('user'), name: 'Eve', role: 'member', passwordHash: '-', createdAtMs: 0 } as const;
  await db.insert(users).values(eve);
  assert.equal((await ask('PATCH', '/api/me', { name: 'Eve' })).json().error.code, 'name_taken');
  for (const name of ['', '  ', 'a\nb', '\0', 'x'.repeat(65)])
    assert.equal((await ask('PATCH', '/api/me', { name })).json().error.code, 'invalid_request', JSON.stringify(name));
});

test('a new password needs the present one, ends the other logins and keeps this one', { timeout }, async (t) => {
  const { app, bearer, ask, logIn, db, log } = await signedIn(t);
  const token = await bearer();
  const other = await logIn(owner.password);
  const change = (password: string) => ask('POST', '/api/me/password', { password, newPassword });
  assert.equal((await change('wrong')).json().error.code, 'wrong_password');
  assert.equal((await ask('GET', '/api/me', undefined, other.cookie)).statusCode, 200);

  assert.equal((await change(owner.password)).statusCode, 204);
  assert.equal((await ask('GET', '/api/me')).statusCode, 200);
  assert.equal((await ask('GET', '/api/me', undefined, other.cookie)).statusCode, 401);
  assert.equal((await app.inject({ url: '/api/me', headers: { host, authorization: token } })).statusCode, 200);
  assert.equal((await logIn(owner.password)).status, 401);
  assert.equal((await logIn(newPassword)).status, 200);
  const kept = JSON.stringify(await db.query.users.findMany()) + log.join('');
  assert.doesNotMatch(kept, new RegExp(`${owner.password}|${newPassword}`));
});

test('a new password that is too short is refused', { timeout }, async (t) => {
  const { ask } = await signedIn(t);
  const answer = await ask('POST', '/api/me/password', { password: owner.password, newPassword: 'short' });
  assert.equal(answer.json().error.code, 'invalid_request');
});

test('the present password is tried only so often', { timeout }, async (t) => {
  const { ask, ephemeral } = await signedIn(t);
  const hit = ephemeral.hit;
  ephemeral.hit = async (key, windowMs) => (await hit(key, windowMs)) + 20;
  const answer = await ask('POST', '/api/me/password', { password: owner.password, newPassword });
  assert.equal(answer.json().error.code, 'rate_limited');
});

test('the logins are listed: which browser, since when, which is this one', { timeout }, async (t) => {
  const { ask, logIn } = await signedIn(t);
  const before = Date.now();
  const { cookie } = await logIn(owner.password);
  const { items } = (await ask('GET', '/api/logins', undefined, cookie)).json();
  assert.equal(items.length, 2);
  const [current] = items.filter((login: { current: boolean }) => login.current);
  assert.equal(current.agent, 'Firefox on Linux');
  assert.ok(current.createdAtMs >= before && current.lastSeenAtMs >= before && current.expiresAtMs > Date.now());
  assert.deepEqual(Object.keys(current).sort(), [
    'agent',
    'createdAtMs',
    'current',
    'expiresAtMs',
    'id',
    'lastSeenAtMs',
  ]);
});

test('one login can be ended, or all the others', { timeout }, async (t) => {
  const { app, bearer, ask, logIn } = await signedIn(t);
  const [first, second] = [await logIn(owner.password), await logIn(owner.password)];
  const { items } = (await ask('GET', '/api/logins', undefined, first.cookie)).json();
  const { id } = items.find((login: { current: boolean }) => login.current);
  assert.equal((await ask('DELETE', `/api/logins/${id}`)).statusCode, 204);
  assert.equal((await ask('DELETE', `/api/logins/${id}`)).json().error.code, 'not_found');
  assert.equal((await ask('GET', '/api/me', undefined, first.cookie)).statusCode, 401);
  assert.equal((await ask('GET', '/api/me', undefined, second.cookie)).statusCode, 200);

  assert.equal((await ask('DELETE', '/api/logins')).statusCode, 204);
  assert.equal((await ask('GET', '/api/me', undefined, second.cookie)).statusCode, 401);
  assert.equal((await ask('GET', '/api/logins')).json().items.length, 1);

  const authorization = await bearer();
  assert.equal(
    (await app.inject({ method: 'DELETE', url: '/api/logins', headers: { host, authorization } })).statusCode,
    204,
  );
  assert.equal((await ask('GET', '/api/me')).statusCode, 401, 'a token has no login of its own to keep');
});

test('nobody ends the login of another', { timeout }, async (t) => {
  const { app, ask, db } = await signedIn(t);
  const eve = { id: newId('user'), name: 'Eve', role: 'member' } as const;
  await db.insert(users).values({ ...eve, passwordHash: '-', createdAtMs: 0 });
  const { secret } = await createApiTokens(db).create(eve, { name: 'x', scopes: ['admin'] });
  const [mine] = (await ask('GET', '/api/logins')).json().items;
  const headers = { host, authorization: `Bearer ${secret}` };
  const end = await app.inject({ method: 'DELETE', url: `/api/logins/${mine.id}`, headers });
  assert.equal(end.json().error.code, 'not_found');
  await app.inject({ method: 'DELETE', url: '/api/logins', headers });
  assert.equal((await ask('GET', '/api/me')).statusCode, 200);
  assert.deepEqual((await app.inject({ url: '/api/logins', headers })).json().items, []);
});
