import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createApiTokens } from '../auth/api-tokens.ts';
import { createLogins } from '../auth/logins.ts';
import { createTestApp, host, origin, owner } from './test-app.ts';

const timeout = 60_000;

test('the set-up link makes the owner once, and signs him in', { timeout }, async (t) => {
  const { app, setupToken } = await createTestApp(t);
  const setUp = (payload: object) =>
    app.inject({ method: 'POST', url: '/api/setup', headers: { host, origin }, payload: { setupToken, ...payload } });
  const needed = async () => (await app.inject({ url: '/api/setup', headers: { host } })).json().needed;

  assert.equal(await needed(), true);
  assert.equal((await setUp({ ...owner, setupToken: 'wrong' })).json().error.code, 'wrong_setup_link');
  assert.equal((await setUp({ ...owner, password: 'short' })).json().error.code, 'invalid_request');
  const made = await setUp(owner);
  assert.equal(made.statusCode, 201);
  assert.equal(made.json().role, 'owner');
  const me = await app.inject({
    url: '/api/me',
    headers: { host },
    cookies: { polydev_4000: made.cookies[0]?.value ?? '' },
  });
  assert.equal(me.json().name, owner.name);
  assert.equal(await needed(), false);
  assert.equal((await setUp(owner)).json().error.code, 'already_set_up');
});

test('of two who use the set-up link at once one becomes the owner', { timeout }, async (t) => {
  const { app, setupToken } = await createTestApp(t);
  const answers = await Promise.all(
    ['Ada', 'Eve'].map((name) =>
      app.inject({ method: 'POST', url: '/api/setup', headers: { host }, payload: { ...owner, name, setupToken } }),
    ),
  );
  assert.deepEqual(answers.map((answer) => answer.statusCode).sort(), [201, 409]);
});

test('the login cookie is out of reach of scripts and other sites', { timeout }, async (t) => {
  const { app, signIn } = await createTestApp(t, { server: { trustedProxies: ['127.0.0.1'] } });
  await signIn();
  const logIn = (headers: Record<string, string>) =>
    app.inject({ method: 'POST', url: '/api/login', headers: { host, ...headers }, payload: owner });
  const [plain] = (await logIn({})).cookies;
  assert.equal(plain?.name, 'polydev_4000');
  assert.equal(plain?.httpOnly, true);
  assert.equal(plain?.sameSite, 'Strict');
  assert.equal(plain?.path, '/');
  const [secure] = (await logIn({ 'x-forwarded-proto': 'https', 'x-forwarded-host': 'polydev.test' })).cookies;
  assert.equal(secure?.name, '__Host-polydev');
  assert.equal(secure?.secure, true);
  assert.equal(secure?.domain, undefined);
});

test('logging out ends the login on the server too', { timeout }, async (t) => {
  const { app, signIn } = await createTestApp(t);
  const { cookie } = await signIn();
  const ask = () => app.inject({ url: '/api/me', headers: { host, cookie } });
  assert.equal((await ask()).statusCode, 200);
  const out = await app.inject({ method: 'POST', url: '/api/logout', headers: { host, origin, cookie } });
  assert.equal(out.statusCode, 204);
  assert.equal((await ask()).statusCode, 401);
});

test('a wrong name and a wrong password look the same', { timeout }, async (t) => {
  const { app, signIn } = await createTestApp(t);
  await signIn();
  const answers = await Promise.all(
    [
      { ...owner, name: 'Nobody' },
      { ...owner, password: 'wrong' },
    ].map((payload) => app.inject({ method: 'POST', url: '/api/login', headers: { host }, payload })),
  );
  const [unknown, wrong] = answers.map((answer) => {
    const { requestId, ...error } = answer.json().error;
    return { status: answer.statusCode, ...error };
  });
  assert.deepEqual(unknown, wrong);
  assert.equal(wrong.code, 'wrong_login');
});

test('a name is tried only so often, and the right password does not help then', { timeout }, async (t) => {
  const { app, signIn, ephemeral } = await createTestApp(t);
  await signIn();
  const hit = ephemeral.hit;
  // As if twenty attempts had been made for whoever comes next.
  ephemeral.hit = async (key, windowMs) => (await hit(key, windowMs)) + 20;
  const answer = await app.inject({ method: 'POST', url: '/api/login', headers: { host }, payload: owner });
  assert.equal(answer.statusCode, 429);
  assert.equal(answer.json().error.code, 'rate_limited');
  assert.ok(Number(answer.headers['retry-after']) > 0);
});

test('another page can do nothing with the cookie', { timeout }, async (t) => {
  const { app, signIn } = await createTestApp(t);
  const { cookie } = await signIn();
  const create = (headers: Record<string, string>) =>
    app.inject({ method: 'POST', url: '/api/tokens', headers: { host, cookie, ...headers }, payload: { name: 'x' } });
  const refused: Record<string, string>[] = [
    {},
    { origin: 'https://evil.test' },
    { origin: 'null' },
    { origin: `http://polydev.test:4001` },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
    { origin: 'https://evil.test', 'sec-fetch-site': 'same-origin' },
  ];
  for (const headers of refused)
    assert.equal((await create(headers)).json().error?.code, 'wrong_origin', JSON.stringify(headers));
  assert.equal((await create({ origin })).statusCode, 201);
  assert.equal((await create({ 'sec-fetch-site': 'same-origin' })).statusCode, 201);
});

test('another page cannot sign the browser in as someone else', { timeout }, async (t) => {
  const { app, signIn } = await createTestApp(t);
  await signIn();
  const headers = { host, origin: 'https://evil.test' };
  const answer = await app.inject({ method: 'POST', url: '/api/login', headers, payload: owner });
  assert.equal(answer.json().error.code, 'wrong_origin');
  assert.deepEqual(answer.cookies, []);
});

test('a configured public address counts as our own', { timeout }, async (t) => {
  const { app, signIn } = await createTestApp(t, { server: { publicUrl: 'https://desk.example.org' } });
  const { cookie } = await signIn();
  const headers = { host, cookie, origin: 'https://desk.example.org' };
  const answer = await app.inject({ method: 'POST', url: '/api/tokens', headers, payload: { name: 'x' } });
  assert.equal(answer.statusCode, 201);
  assert.match(cookie, /^__Host-polydev=/);
});

test('what browsers send without asking, a form, is not understood', { timeout }, async (t) => {
  const { app, signIn } = await createTestApp(t);
  const { cookie } = await signIn();
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
    const headers = { host, origin, cookie, 'content-type': type };
    const answer = await app.inject({ method: 'POST', url: '/api/tokens', headers, payload: '{"name":"x"}' });
    assert.equal(answer.json().error.code, 'invalid_request', type);
  }
});

test('an API token is shown once, works as a bearer, and ends when it is revoked', { timeout }, async (t) => {
  const { app, signIn, db, log } = await createTestApp(t);
  const { cookie } = await signIn();
  const created = await app.inject({
    method: 'POST',
    url: '/api/tokens',
    headers: { host, origin, cookie },
    payload: { name: 'laptop', scopes: ['admin'] },
  });
  const { secret, token } = created.json();
  assert.match(secret, /^pd_[\w-]{43}$/);
  const headers = { host, authorization: `Bearer ${secret}` };
  const list = await app.inject({ url: '/api/tokens', headers });
  assert.equal(list.json().items[0].name, 'laptop');
  assert.notEqual(list.json().items[0].lastUsedAtMs, null);
  assert.doesNotMatch(list.body, new RegExp(secret));
  assert.doesNotMatch(JSON.stringify(await db.query.apiTokens.findMany()), new RegExp(secret));
  assert.doesNotMatch(log.join(''), new RegExp(secret));
  assert.equal((await app.inject({ method: 'DELETE', url: `/api/tokens/${token.id}`, headers })).statusCode, 204);
  assert.equal((await app.inject({ url: '/api/me', headers })).statusCode, 401);
});

test('a token is not for pages: one that comes with a foreign origin is refused', { timeout }, async (t) => {
  const { app, bearer } = await createTestApp(t);
  const headers = { host, origin: 'https://evil.test', authorization: await bearer() };
  const answer = await app.inject({ method: 'POST', url: '/api/tokens', headers, payload: { name: 'x' } });
  assert.equal(answer.json().error.code, 'wrong_origin');
});

test('nobody waits for the note of when a token or a login was last used', { timeout }, async (t) => {
  const { db, ephemeral, signIn } = await createTestApp(t);
  const { user } = await signIn();
  const tokens = await createApiTokens(db).create(user, { name: 'laptop' });
  const login = await createLogins(db, ephemeral).open(user, 'Firefox');
  const where = () => new Promise(() => {});
  const neverWrites: typeof db = Object.assign(Object.create(db), { update: () => ({ set: () => ({ where }) }) });
  const later = () => Date.now() + 61_000;
  assert.equal((await createApiTokens(neverWrites).find(tokens.secret))?.user.id, user.id);
  assert.equal((await createLogins(neverWrites, ephemeral, later).find(login))?.user.id, user.id);
});
