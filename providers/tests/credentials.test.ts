import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { AccountInfo, type ProviderId, providerIds } from '@polydev/protocol';
import fc from 'fast-check';
import { Value } from 'typebox/value';
import { type CredentialReading, type HomeFiles, providerOf } from '../index.ts';

const jwt = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;
const json = (value: unknown) => JSON.stringify(value);
const read = (id: ProviderId, files: HomeFiles): CredentialReading => providerOf(id).readCredential(files);
const valid = (account: AccountInfo): CredentialReading => ({ status: 'valid', account });

const tokens = { accessToken: 'a', refreshToken: 'r', expiresAt: 1, scopes: ['user:inference'] };
const blankTokens = { ...tokens, accessToken: '', refreshToken: '', expiresAt: 0 };
const oauthAccount = { emailAddress: 'ada@example.com', organizationName: 'Engines' };
const claude = (credentials: unknown, settings?: unknown): HomeFiles => ({
  ...(credentials !== undefined && { '.claude/.credentials.json': json(credentials) }),
  ...(settings !== undefined && { '.claude.json': json(settings) }),
});
const codex = (auth: unknown): HomeFiles => ({ '.codex/auth.json': json(auth) });
const gemini = (creds: unknown, accounts?: unknown): HomeFiles => ({
  '.gemini/oauth_creds.json': json(creds),
  ...(accounts !== undefined && { '.gemini/google_accounts.json': json(accounts) }),
});
const idToken = jwt({ email: 'ada@example.com', 'https://api.openai.com/auth': { chatgpt_plan_type: 'plus' } });

const cases: [string, ProviderId, HomeFiles, CredentialReading][] = [
  ['nothing', 'claude_code', {}, { status: 'absent' }],
  [
    'settings of a fresh desktop',
    'claude_code',
    claude(undefined, { hasCompletedOnboarding: true }),
    { status: 'absent' },
  ],
  [
    'a subscription',
    'claude_code',
    claude(
      { claudeAiOauth: { ...tokens, subscriptionType: 'max', refreshTokenExpiresAt: 1800000000000 } },
      { oauthAccount },
    ),
    valid({ email: 'ada@example.com', plan: 'max', expiresAtMs: 1800000000000 }),
  ],
  ['the smallest subscription', 'claude_code', claude({ claudeAiOauth: tokens }), valid({})],
  [
    'a console sign-in',
    'claude_code',
    claude({}, { oauthAccount, primaryApiKey: 'sk-ant-x' }),
    valid({ email: 'ada@example.com', plan: 'API usage billing' }),
  ],
  ['a console sign-in, half-way', 'claude_code', claude({}, { oauthAccount }), { status: 'absent' }],
  ['blanked', 'claude_code', claude({ claudeAiOauth: blankTokens }), { status: 'blanked' }],
  ['an empty file', 'claude_code', { '.claude/.credentials.json': '' }, { status: 'incomplete' }],
  ['half a file', 'claude_code', { '.claude/.credentials.json': '{"claudeAiOauth":{"acc' }, { status: 'incomplete' }],
  ['half a settings file', 'claude_code', { ...claude({}), '.claude.json': '{"primaryApi' }, { status: 'incomplete' }],

  ['nothing', 'openai_codex', {}, { status: 'absent' }],
  [
    'a subscription',
    'openai_codex',
    codex({
      auth_mode: 'chatgpt',
      OPENAI_API_KEY: null,
      tokens: { id_token: idToken, access_token: 'a', refresh_token: 'r' },
    }),
    valid({ email: 'ada@example.com', plan: 'plus' }),
  ],
  ['an API key', 'openai_codex', codex({ auth_mode: 'apikey', OPENAI_API_KEY: 'sk-x' }), valid({ plan: 'API key' })],
  [
    'blanked',
    'openai_codex',
    codex({ auth_mode: 'chatgpt', tokens: { access_token: '', refresh_token: '' } }),
    { status: 'blanked' },
  ],
  ['no token yet', 'openai_codex', codex({ OPENAI_API_KEY: null, tokens: null }), { status: 'absent' }],
  ['half a file', 'openai_codex', { '.codex/auth.json': '{"tok' }, { status: 'incomplete' }],
  [
    'an id token that is none',
    'openai_codex',
    codex({ tokens: { id_token: 'x.y', access_token: 'a', refresh_token: 'r' } }),
    valid({}),
  ],

  ['nothing', 'google_gemini', {}, { status: 'absent' }],
  [
    'an account',
    'google_gemini',
    gemini({ refresh_token: 'r' }, { active: 'ada@example.com', old: [] }),
    valid({ email: 'ada@example.com' }),
  ],
  [
    'an id token alone',
    'google_gemini',
    gemini({ refresh_token: 'r', id_token: idToken }),
    valid({ email: 'ada@example.com' }),
  ],
  ['no refresh token', 'google_gemini', gemini({ access_token: 'a' }), { status: 'incomplete' }],
  ['a truncated file', 'google_gemini', { '.gemini/oauth_creds.json': '' }, { status: 'incomplete' }],
  ['blanked', 'google_gemini', gemini({ refresh_token: '' }), { status: 'blanked' }],
];

suite('reading a credential', { timeout: 60_000 }, () => {
  for (const [name, id, files, reading] of cases)
    test(`${id}: ${name} is ${reading.status}`, () => assert.deepEqual(read(id, files), reading));

  test('an e-mail address that is no address of ours is left out, not cut', () => {
    const files = gemini({ refresh_token: 'r' }, { active: 'x'.repeat(321) });
    assert.deepEqual(read('google_gemini', files), valid({}));
  });

  const anyText = fc.oneof(
    fc.string(),
    fc.json(),
    fc.constantFrom(...cases.flatMap(([, , files]) => Object.values(files))),
  );
  for (const id of providerIds) {
    const anyFiles = fc.record(Object.fromEntries(providerOf(id).credentialFiles.map((path) => [path, anyText])), {
      requiredKeys: [],
    });
    test(`${id}: any files are read without a throw, and an account always fits its schema`, () => {
      fc.assert(
        fc.property(anyFiles, (files) => {
          const reading = read(id, files as HomeFiles);
          if (reading.status === 'valid') assert.ok(Value.Check(AccountInfo, reading.account));
        }),
        { numRuns: 500 },
      );
    });

    test(`${id}: packing changes no reading, and packing twice changes nothing`, () => {
      fc.assert(
        fc.property(anyFiles, (files) => {
          const packed = providerOf(id).pack(files as HomeFiles);
          assert.deepEqual(read(id, packed), read(id, files as HomeFiles));
          assert.deepEqual(providerOf(id).pack(packed), packed);
        }),
        { numRuns: 500 },
      );
    });

    test(`${id}: only credential files are packed, in their order`, () => {
      const { credentialFiles, pack } = providerOf(id);
      const files = Object.fromEntries(['other', ...credentialFiles.toReversed()].map((path) => [path, '{}']));
      assert.deepEqual(Object.keys(pack(files)), [...credentialFiles]);
    });
  }

  test('Claude Code: of the settings only what a run needs is packed, and start counters change nothing', () => {
    const { pack } = providerOf('claude_code');
    const customApiKeyResponses = { approved: ['x'], rejected: [] };
    const packedWith = (numStartups: number) =>
      pack(
        claude(
          {},
          {
            numStartups,
            oauthAccount,
            tipsHistory: {},
            primaryApiKey: 'k',
            customApiKeyResponses,
            projects: { '/home/dev': {} },
          },
        ),
      );
    assert.deepEqual(packedWith(1), packedWith(2));
    assert.deepEqual(JSON.parse(packedWith(1)['.claude.json'] ?? ''), {
      oauthAccount,
      primaryApiKey: 'k',
      customApiKeyResponses,
    });
  });
});
