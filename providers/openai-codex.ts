/** Codex by OpenAI. */

import { readCodexEvent } from './openai-codex-events.ts';
import { type HomeFiles, homeFolder, type Provider } from './provider.ts';
import { accountOf } from './shared/account.ts';
import { at, filledAt, isRecord, jwtClaims, parseJson, textAt } from './shared/json.ts';
import { createRunParser } from './shared/run-parser.ts';

const authPath = '.codex/auth.json';

export const openaiCodex: Provider = {
  id: 'openai_codex',
  info: {
    id: 'openai_codex',
    name: 'Codex',
    maker: 'OpenAI',
    summary: 'Codex with your ChatGPT plan, or with an API key.',
    loginCommand: 'codex login',
    otherLogins: [{ name: 'With a code, on another device', command: 'codex login --device-auth' }],
    apiKeyPage: 'https://platform.openai.com/api-keys',
    apiKeyHint: 'Starts with sk-',
    firstWayIn: 'browser',
    termsPage: 'https://openai.com/policies/terms-of-use/',
  },
  credentialFiles: [authPath],
  watchedFolders: ['.codex'],
  pack: ({ [authPath]: auth }): HomeFiles => (auth === undefined ? {} : { [authPath]: auth }),
  readCredential({ [authPath]: text }) {
    if (text === undefined) return { status: 'absent' };
    const auth = parseJson(text);
    if (!isRecord(auth)) return { status: 'incomplete' };
    const tokens = at(auth, 'tokens');
    if (filledAt(tokens, 'refresh_token') && filledAt(tokens, 'access_token')) {
      const claims = jwtClaims(textAt(tokens, 'id_token'));
      const plan = textAt(claims, 'https://api.openai.com/auth', 'chatgpt_plan_type');
      return { status: 'valid', account: accountOf({ email: textAt(claims, 'email'), plan }) };
    }
    if (filledAt(auth, 'OPENAI_API_KEY')) return { status: 'valid', account: accountOf({ plan: 'API key' }) };
    if (textAt(tokens, 'refresh_token') === '') return { status: 'blanked' };
    return { status: isRecord(tokens) ? 'incomplete' : 'absent' };
  },
  desktopFiles: [
    {
      path: '.codex/config.toml',
      content: [
        'cli_auth_credentials_store = "file"',
        'check_for_update_on_startup = false',
        '',
        `[projects."${homeFolder}"]`,
        'trust_level = "trusted"',
        '',
      ].join('\n'),
    },
  ],
  apiKeyVariable: 'CODEX_API_KEY',
  run({ model }) {
    const noTools = ['-s', 'read-only', '--disable', 'shell_tool'];
    // Without this it waits for an unreachable network for ever.
    const mayEnd = ['--disable', 'unbounded_connection_retries'];
    // Else each start asks GitHub for plugins that a run has no use for.
    const noPlugins = ['--disable', 'plugins', '--disable', 'apps'];
    const settings = ['-c', 'cli_auth_credentials_store="file"', '-c', 'check_for_update_on_startup=false'];
    return {
      argv: [
        ...['codex', 'exec', '--json', '--skip-git-repo-check', ...noTools, ...mayEnd, ...noPlugins, ...settings],
        ...(model ? ['--model', model] : []),
        '-',
      ],
      env: {},
      files: [],
    };
  },
  createParser: () => createRunParser({ event: readCodexEvent, streams: false }),
};
