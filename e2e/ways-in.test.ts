/** Every way to connect a tool, and what becomes of a connection: renewed, disconnected, one of several. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, suite, test } from 'node:test';
import { type Credential, type ProviderId, providerIds } from '@polydev/protocol';
import { createVisitor } from '../doubles/tests/visitor.ts';
import { consentPages, enter, openDesktop, signIn } from './desktop-sign-in.ts';
import { assertReason, assertRefused, openStage, type Stage } from './stage.ts';

const isRoot = process.getuid?.() === 0;
const words: Record<ProviderId, string> = {
  claude_code: 'quince',
  openai_codex: 'medlar',
  google_gemini: 'damson',
};

suite('ways in', { skip: !isRoot && 'needs root', timeout: 30 * 60_000 }, () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage();
  });
  after(() => stage.strike());
  beforeEach(() => stage.reset());

  async function credentialOf(provider: ProviderId, label = 'default'): Promise<Credential> {
    const all = await stage.polydev.credentials.list();
    const found = all.find((credential) => credential.provider === provider && credential.label === label);
    return found ?? assert.fail(`There is no ${provider} called ${label}.`);
  }

  /** A prompt with exactly this credential, and what the double saw of it. */
  async function answered({ id, provider, account }: Credential, via: 'oauth' | 'api_key'): Promise<void> {
    const run = await stage.run({ provider, credentialId: id, prompt: `Please say exactly ${words[provider]}` });
    assert.equal(run.state, 'succeeded', JSON.stringify(run.reason));
    assert.equal(run.answer.trim(), words[provider]);
    const seen = stage.doubles.state.prompts.findLast((prompt) => prompt.provider === provider);
    assert.equal(seen?.via, via);
    // Of several accounts it is this one's.
    if (via === 'oauth') assert.equal(seen.email, account.email);
  }

  test('Claude by plan, and Codex, in the browser of their desktops, at the same time', async () => {
    const [claude, codex] = await Promise.all([
      signIn(stage, { provider: 'claude_code', command: 'claude auth login', page: consentPages.claudePlan }),
      signIn(stage, { provider: 'openai_codex', command: 'codex login', page: consentPages.codex }),
    ]);
    assert.deepEqual([claude.state, codex.state], ['connected', 'connected']);
    const { claude_code, openai_codex } = stage.doubles.state.accounts;
    assert.equal((await credentialOf('claude_code')).account.email, claude_code.email);
    assert.equal((await credentialOf('openai_codex')).account.email, openai_codex.email);
    await answered(await credentialOf('claude_code'), 'oauth');
    await answered(await credentialOf('openai_codex'), 'oauth');
  });

  test('Claude by Console, which keeps an API key, beside the plan under another label', async () => {
    const label = 'console';
    const command = 'claude auth login --console';
    const session = await signIn(stage, { provider: 'claude_code', command, page: consentPages.claudeConsole, label });
    assert.equal(session.state, 'connected', JSON.stringify(session.reason));
    await answered(await credentialOf('claude_code', label), 'api_key');
    await answered(await credentialOf('claude_code'), 'oauth');
  });

  test('Codex by a code that is entered on another device', async () => {
    const { sessionId, keyboard, shell } = await openDesktop(stage, 'openai_codex', 'device');
    const code = `grep -oE --line-buffered '[A-Z]{4}-[A-Z]{5}'`;
    enter(keyboard, `codex login --device-auth 2>&1 | ${code} | while read -r c; do tell "$c"; done`);
    const user_code = await shell.told((words) => /^[A-Z]{4}-[A-Z]{5}$/.test(words));
    const visitor = createVisitor(stage.doubles);
    const page = await visitor.decide('https://auth.openai.com/codex/device', 'approve', { user_code });
    assert.equal(page.status, 200);
    assert.equal((await stage.ended(sessionId)).state, 'connected');
    await answered(await credentialOf('openai_codex', 'device'), 'oauth');
  });

  test('Claude by a code that is brought from a browser elsewhere and pasted, as another person', async () => {
    const { state } = stage.doubles;
    const first = state.accounts.claude_code;
    state.accounts.claude_code = { ...first, email: 'paula@example.com', accountId: randomUUID() };
    // From now on each run renews.
    state.behaviour.claude_code.accessTtlMs = 60_000;
    const { sessionId, keyboard, shell } = await openDesktop(stage, 'claude_code', 'pasted');
    const address = `grep -o --line-buffered 'https://[^ ]*'`;
    enter(keyboard, `BROWSER=true claude auth login 2>&1 | ${address} | while read -r u; do tell "$u"; done`);
    const authorize = await shell.told((words) => words.startsWith('https://'));
    const page = await createVisitor(stage.doubles).decide(authorize, 'approve');
    const code = /id="code"[^>]* value="([^"]+)"/.exec(page.body)?.[1] ?? assert.fail(page.body);
    enter(keyboard, code);
    assert.equal((await stage.ended(sessionId)).state, 'connected');
    state.accounts.claude_code = first;
    const pasted = await credentialOf('claude_code', 'pasted');
    assert.equal(pasted.account.email, 'paula@example.com');
    for (const label of ['pasted', 'default', 'pasted'])
      await answered(await credentialOf('claude_code', label), 'oauth');
    assert.ok((await credentialOf('claude_code', 'pasted')).version > pasted.version, 'it was renewed');
  });

  test('an API key for each tool, at the same time', async () => {
    await Promise.all(
      providerIds.map(async (provider) => {
        await stage.addKey(provider, 'key');
        await answered(await credentialOf(provider, 'key'), 'api_key');
      }),
    );
  });

  test('a wrong API key is refused at once, with the words of the tool, and is not kept', async () => {
    await Promise.all(
      providerIds.map(async (provider) => {
        const wrong = { provider, apiKey: 'sk-wrong-wrong-wrong-wrong', label: 'wrong' };
        const error = await assertRefused(stage.polydev.credentials.addApiKey(wrong), 'api_key_refused');
        assert.match(error.message, /key/i);
      }),
    );
    assert.ok((await stage.polydev.credentials.list()).every(({ label }) => label !== 'wrong'));
  });

  test('an account that the provider no longer accepts is connected again in its place', async () => {
    const { doubles, polydev } = stage;
    const { id, version } = await credentialOf('claude_code');
    doubles.state.tokens.expireAccess('claude_code');
    doubles.state.behaviour.claude_code.token = 'denied';
    assert.equal((await polydev.credentials.test(id)).status, 'expired');
    const refused = await stage.run({ provider: 'claude_code', credentialId: id, prompt: 'hello' }).catch((e) => e);
    if (refused instanceof Error) await assertRefused(Promise.reject(refused), 'credential_expired');
    else assertReason(refused, 'credential_expired');

    doubles.state.behaviour.claude_code.token = 'ok';
    const again = { provider: 'claude_code', command: 'claude auth login', page: consentPages.claudePlan } as const;
    assert.equal((await signIn(stage, again)).state, 'connected');
    const renewed = await credentialOf('claude_code');
    assert.deepEqual([renewed.id, renewed.status], [id, 'active']);
    assert.ok(renewed.version > version);
    await answered(renewed, 'oauth');
  });

  test('of several accounts one is disconnected: forgotten here, never signed out at the provider', async () => {
    const plan = await credentialOf('claude_code');
    await stage.polydev.credentials.remove(plan.id);
    const left = (await stage.polydev.credentials.list()).filter(({ provider }) => provider === 'claude_code');
    assert.deepEqual(left.map(({ label }) => label).sort(), ['console', 'key', 'pasted']);
    await assertRefused(
      stage.polydev.runs.start({ provider: 'claude_code', credentialId: plan.id, prompt: 'hello' }),
      'not_found',
    );
    await answered(await credentialOf('claude_code', 'pasted'), 'oauth');
    assert.deepEqual([...stage.doubles.state.tokens.revoked], []);
  });
});
