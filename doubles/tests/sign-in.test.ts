import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFastDoubles } from './fast-doubles.ts';
import { askForTokens, decide, redeem, refresh, signIns, startSignIn } from './sign-in-steps.ts';

const timeout = 20_000;

for (const signIn of signIns) {
  test(`${signIn.name}: an approved sign-in gives tokens, once`, { timeout }, async (t) => {
    const { visitor, doubles } = await startFastDoubles(t);
    const started = startSignIn(signIn);
    const back = await decide(visitor, started.address, 'approve');
    assert.equal(back.get('state'), started.state);
    const code = back.get('code') ?? '';

    const first = await redeem(visitor, signIn, started, code);
    assert.equal(first.status, 200, first.body);
    const tokens = JSON.parse(first.body);
    assert.equal(doubles.state.tokens.standing(signIn.provider, tokens.access_token), 'good');
    assert.ok(tokens.refresh_token);
    for (const secret of [code, tokens.access_token, tokens.refresh_token])
      assert.ok(doubles.state.secrets().includes(secret));

    const again = await redeem(visitor, signIn, started, code);
    assert.equal(again.status, 400);
    assert.match(again.body, /invalid_grant/);
  });

  test(`${signIn.name}: denying sends the tool access_denied and no code`, { timeout }, async (t) => {
    const { visitor } = await startFastDoubles(t);
    const started = startSignIn(signIn);
    const back = await decide(visitor, started.address, 'deny');
    assert.equal(back.get('error'), 'access_denied');
    assert.equal(back.get('state'), started.state);
    assert.equal(back.get('code'), null);
  });

  test(`${signIn.name}: a code is refused to who cannot prove the request`, { timeout }, async (t) => {
    const { visitor } = await startFastDoubles(t);
    const lies: Record<string, string>[] = [{ redirect_uri: signIn.otherRedirectUri }, { code: 'made-up' }];
    if (signIn.pkce) lies.push({ code_verifier: 'made-up' });
    for (const lie of lies) {
      const started = startSignIn(signIn);
      const back = await decide(visitor, started.address, 'approve');
      const answer = await redeem(visitor, signIn, started, back.get('code') ?? '', lie);
      assert.equal(answer.status, 400, JSON.stringify(lie));
      assert.match(answer.body, /invalid_grant/);
    }
  });

  test(`${signIn.name}: a request that is not valid never reaches the consent page`, { timeout }, async (t) => {
    const { visitor } = await startFastDoubles(t);
    const wrong: Record<string, string | undefined>[] = [
      { client_id: 'someone-else' },
      { redirect_uri: 'https://evil.example/callback' },
      { response_type: 'token' },
      { state: undefined },
    ];
    if (signIn.pkce) wrong.push({ code_challenge: undefined }, { code_challenge_method: 'plain' });
    for (const changed of wrong) {
      const page = await visitor.ask(startSignIn(signIn, changed).address);
      assert.equal(page.status, 400, JSON.stringify(changed));
      assert.doesNotMatch(page.body, /<form/);
    }
  });

  test(`${signIn.name}: a refresh token is rotated as the provider does`, { timeout }, async (t) => {
    const { visitor } = await startFastDoubles(t);
    const started = startSignIn(signIn);
    const back = await decide(visitor, started.address, 'approve');
    const first = JSON.parse((await redeem(visitor, signIn, started, back.get('code') ?? '')).body);

    const second = await refresh(visitor, signIn, first.refresh_token);
    assert.equal(second.status, 200, second.body);
    const { access_token, refresh_token } = JSON.parse(second.body);
    assert.notEqual(access_token, first.access_token);

    const reused = await refresh(visitor, signIn, first.refresh_token);
    if (signIn.provider === 'google_gemini') {
      assert.equal(refresh_token, undefined);
      assert.equal(reused.status, 200);
    } else {
      assert.notEqual(refresh_token, first.refresh_token);
      assert.equal(reused.status, signIn.provider === 'openai_codex' ? 401 : 400);
      assert.match(reused.body, signIn.provider === 'openai_codex' ? /refresh_token_reused/ : /invalid_grant/);
    }
  });

  test(`${signIn.name}: token behaviour "denied" and "rotated" refuse a good refresh token`, { timeout }, async (t) => {
    const { visitor, doubles } = await startFastDoubles(t);
    for (const behaviour of ['denied', 'rotated'] as const) {
      const { provider, clientId, scope } = signIn;
      const { refreshToken } = doubles.state.tokens.issue({ provider, clientId, scope });
      doubles.state.behaviour[provider].token = behaviour;
      const answer = await refresh(visitor, signIn, refreshToken);
      assert.equal(answer.status, provider === 'openai_codex' ? 401 : 400);
      assert.match(answer.body, provider === 'openai_codex' ? /refresh_token_(expired|reused)/ : /invalid_grant/);
      doubles.state.behaviour[provider].token = 'ok';
    }
  });
}

test('Claude: the page for pasting shows code#state, and a console sign-in makes an API key', {
  timeout,
}, async (t) => {
  const { visitor, doubles } = await startFastDoubles(t);
  const claude = { ...signIns[0], authorize: 'https://platform.claude.com/oauth/authorize' } as (typeof signIns)[0];
  const redirectUri = 'https://platform.claude.com/oauth/code/callback';
  const started = startSignIn(claude, { redirect_uri: redirectUri });
  const page = await visitor.decide(started.address, 'approve');
  const [code = '', state] = (/id="code"[^>]* value="([^"]+)"/.exec(page.body)?.[1] ?? '').split('#');
  assert.equal(state, started.state);

  const answer = await redeem(visitor, claude, started, code, { redirect_uri: redirectUri });
  const tokens = JSON.parse(answer.body);
  assert.equal(tokens.scope, 'org:create_api_key user:profile');
  const headers = { authorization: `Bearer ${tokens.access_token}` };
  const made = await visitor.ask('https://api.anthropic.com/api/oauth/claude_cli/create_api_key', {
    method: 'POST',
    headers,
  });
  assert.ok(doubles.state.apiKeys.claude_code.has(JSON.parse(made.body).raw_key));

  const message = { model: 'claude-test', messages: [{ role: 'user', content: 'Hello' }] };
  const answered = await visitor.postJson('https://api.anthropic.com/v1/messages', message, headers);
  assert.equal(answered.status, 403, 'the token itself may not be used for prompts');
});

test('Claude: a state that is not the one of the request spends the code for nothing', { timeout }, async (t) => {
  const { visitor } = await startFastDoubles(t);
  const claude = signIns[0] as (typeof signIns)[0];
  const started = startSignIn(claude);
  const code = (await decide(visitor, started.address, 'approve')).get('code') ?? '';
  assert.equal((await redeem(visitor, claude, started, code, { state: 'other' })).status, 400);
  assert.equal((await redeem(visitor, claude, started, code)).status, 400);
});

test('Codex: an id token can be exchanged for an API key, anything else cannot', { timeout }, async (t) => {
  const { visitor, doubles } = await startFastDoubles(t);
  const codex = signIns[1] as (typeof signIns)[0];
  const { provider, clientId, scope } = codex;
  const tokens = doubles.state.tokens.issue({ provider, clientId, scope });
  const exchange = (subject_token: string) =>
    askForTokens(visitor, codex, {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      requested_token: 'openai-api-key',
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
      subject_token,
    });
  assert.equal((await exchange('made-up')).status, 401);
  const good = await exchange(tokens.idToken ?? '');
  assert.ok(doubles.state.apiKeys.openai_codex.has(JSON.parse(good.body).access_token));
});

test('Codex: a device waits until a person types its code and approves', { timeout }, async (t) => {
  const { visitor } = await startFastDoubles(t);
  const codex = signIns[1] as (typeof signIns)[0];
  const api = 'https://auth.openai.com/api/accounts/deviceauth';
  const asked = await visitor.postJson(`${api}/usercode`, { client_id: codex.clientId });
  const { device_auth_id, user_code } = JSON.parse(asked.body);
  const poll = () => visitor.postJson(`${api}/token`, { device_auth_id, user_code });

  assert.equal((await poll()).status, 403);
  const page = 'https://auth.openai.com/codex/device';
  assert.equal((await visitor.decide(page, 'approve', { user_code: 'XXXX-XXXXX' })).status, 400);
  assert.equal((await visitor.decide(page, 'approve', { user_code: user_code.toLowerCase() })).status, 200);

  const { authorization_code, code_verifier } = JSON.parse((await poll()).body);
  const fields = {
    grant_type: 'authorization_code',
    code: authorization_code,
    code_verifier,
    redirect_uri: 'https://auth.openai.com/deviceauth/callback',
  };
  assert.equal((await askForTokens(visitor, codex, fields)).status, 200);
  assert.equal((await poll()).status, 404);
});

test('Codex: its tokens carry the claims that the tool reads', { timeout }, async (t) => {
  const { doubles } = await startFastDoubles(t, { accounts: { openai_codex: { email: 'someone@example.com' } } });
  const tokens = doubles.state.tokens.issue({
    provider: 'openai_codex',
    clientId: 'app',
    scope: 'openid',
    ttlMs: -5000,
  });
  const claimsOf = (jwt = '') => JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());
  const id = claimsOf(tokens.idToken);
  assert.equal(id.email, 'someone@example.com');
  assert.equal(id['https://api.openai.com/auth'].chatgpt_plan_type, 'plus');
  assert.equal(id['https://api.openai.com/auth'].chatgpt_account_id, doubles.state.accounts.openai_codex.accountId);
  assert.ok(claimsOf(tokens.accessToken).exp < Date.now() / 1000);
  assert.equal(doubles.state.tokens.standing('openai_codex', tokens.accessToken), 'expired');
});

test('Gemini: a token says whose it is', { timeout }, async (t) => {
  const { visitor, doubles } = await startFastDoubles(t);
  const { provider, clientId, scope } = signIns[2] as (typeof signIns)[0];
  const { accessToken } = doubles.state.tokens.issue({ provider, clientId, scope });
  const headers = { authorization: `Bearer ${accessToken}` };
  const info = await visitor.ask('https://oauth2.googleapis.com/tokeninfo', { method: 'POST', headers });
  assert.equal(JSON.parse(info.body).scope, scope);
  const user = await visitor.ask('https://www.googleapis.com/oauth2/v2/userinfo', { headers });
  assert.equal(JSON.parse(user.body).email, doubles.state.accounts.google_gemini.email);
  doubles.state.tokens.expireAccess(provider);
  assert.equal((await visitor.ask('https://www.googleapis.com/oauth2/v2/userinfo', { headers })).status, 401);
});

test('a tool that revokes a token is found out', { timeout }, async (t) => {
  const { visitor, doubles } = await startFastDoubles(t);
  const { tokens } = doubles.state;
  const issued = tokens.issue({ provider: 'openai_codex', clientId: 'app', scope: 'openid' });
  await visitor.postJson('https://auth.openai.com/oauth/revoke', { token: issued.refreshToken });
  assert.deepEqual(tokens.revoked, [issued.refreshToken]);
  assert.equal(tokens.refresh('openai_codex', issued.refreshToken), 'unknown');
});
