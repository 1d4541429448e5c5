/** Gemini CLI by Google. */

import { readGeminiEvent } from './google-gemini-events.ts';
import { homeFolder, type Provider } from './provider.ts';
import { accountOf } from './shared/account.ts';
import { filledAt, isRecord, jwtClaims, parseJson, textAt } from './shared/json.ts';
import { createRunParser } from './shared/run-parser.ts';

const tokensPath = '.gemini/oauth_creds.json';
const accountsPath = '.gemini/google_accounts.json';
const settingsPath = '.gemini/settings.json';

/** 41: no credential, or one that was rejected; 145 and 147: HTTP 401 and 403, cut to eight bits. */
const authExitCodes = [41, 145, 147];

const quiet = {
  general: { enableAutoUpdate: false, enableAutoUpdateNotification: false },
  privacy: { usageStatisticsEnabled: false },
};

export const googleGemini: Provider = {
  id: 'google_gemini',
  info: {
    id: 'google_gemini',
    name: 'Gemini CLI',
    maker: 'Google',
    summary: 'Gemini with an API key, or with a Code Assist Standard or Enterprise licence.',
    loginCommand: 'gemini',
    otherLogins: [],
    apiKeyPage: 'https://aistudio.google.com/apikey',
    apiKeyHint: 'Starts with AIza',
    firstWayIn: 'api_key',
    termsPage: 'https://geminicli.com/docs/resources/tos-privacy/',
  },
  credentialFiles: [tokensPath, accountsPath],
  watchedFolders: ['.gemini'],
  pack: (files) =>
    Object.fromEntries(
      [tokensPath, accountsPath].flatMap((path) => (path in files ? [[path, files[path] ?? '']] : [])),
    ),
  readCredential({ [tokensPath]: text, [accountsPath]: accounts }) {
    if (text === undefined) return { status: 'absent' };
    const tokens = parseJson(text);
    if (!isRecord(tokens)) return { status: 'incomplete' };
    const refreshToken = textAt(tokens, 'refresh_token');
    if (!refreshToken) return { status: refreshToken === '' ? 'blanked' : 'incomplete' };
    const email =
      filledAt(parseJson(accounts ?? ''), 'active') ?? textAt(jwtClaims(textAt(tokens, 'id_token')), 'email');
    return { status: 'valid', account: accountOf({ email }) };
  },
  desktopFiles: [
    { path: settingsPath, content: JSON.stringify({ ...quiet, ui: { showHomeDirectoryWarning: false } }) },
    { path: '.gemini/trustedFolders.json', content: JSON.stringify({ [homeFolder]: 'TRUST_FOLDER' }) },
  ],
  apiKeyVariable: 'GEMINI_API_KEY',
  run({ model, kind }) {
    const settings = {
      // Its own retries of a network that is not there last more than a minute.
      general: { ...quiet.general, maxAttempts: 3, retryFetchErrors: false },
      privacy: quiet.privacy,
      ui: { showHomeDirectoryWarning: false },
      tools: { core: [] },
      security: { auth: { selectedType: kind === 'api_key' ? 'gemini-api-key' : 'oauth-personal' } },
    };
    return {
      argv: ['gemini', '-o', 'stream-json', '--skip-trust', ...(model ? ['--model', model] : [])],
      env: {
        // One process, which a signal ends; otherwise a parent ignores it.
        GEMINI_CLI_NO_RELAUNCH: '1',
        GEMINI_CLI_TRUST_WORKSPACE: 'true',
        ...(kind === 'files' && { GOOGLE_GENAI_USE_GCA: 'true' }),
      },
      files: [{ path: settingsPath, content: JSON.stringify(settings) }],
    };
  },
  createParser: () => createRunParser({ event: readGeminiEvent(), authExitCodes, streams: true }),
};
