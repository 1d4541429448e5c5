/** Claude Code by Anthropic. */

import { readClaudeEvent } from './claude-code-events.ts';
import { type HomeFiles, homeFolder, type Provider } from './provider.ts';
import { accountOf } from './shared/account.ts';
import { at, filledAt, isRecord, numberAt, parseJson, textAt } from './shared/json.ts';
import { createRunParser } from './shared/run-parser.ts';

/** Holds the tokens of a subscription; `{}` after a console sign-in. */
const credentialsPath = '.claude/.credentials.json';
/** Holds who signed in, the API key of a console sign-in, and much that changes with every start. */
const settingsPath = '.claude.json';
const neededSettings = ['hasCompletedOnboarding', 'oauthAccount', 'primaryApiKey', 'customApiKeyResponses'] as const;

export const claudeCode: Provider = {
  id: 'claude_code',
  info: {
    id: 'claude_code',
    name: 'Claude Code',
    maker: 'Anthropic',
    summary: 'Claude with your Pro, Max, Team or Enterprise plan, or with an API key.',
    loginCommand: 'claude auth login',
    otherLogins: [{ name: 'With a Console account, billed by use', command: 'claude auth login --console' }],
    apiKeyPage: 'https://platform.claude.com/settings/keys',
    apiKeyHint: 'Starts with sk-ant-',
    firstWayIn: 'browser',
    termsPage: 'https://code.claude.com/docs/en/legal-and-compliance',
  },
  credentialFiles: [credentialsPath, settingsPath],
  watchedFolders: ['.claude', ''],
  pack: packFiles,
  readCredential(files) {
    const credentials = files[credentialsPath];
    const settings = parseJson(files[settingsPath] ?? '');
    const email = filledAt(settings, 'oauthAccount', 'emailAddress');
    const parsed = parseJson(credentials ?? '');
    const tokens = at(parsed, 'claudeAiOauth');
    if (filledAt(tokens, 'refreshToken')) {
      const plan = textAt(tokens, 'subscriptionType');
      return {
        status: 'valid',
        account: accountOf({ email, plan, expiresAtMs: numberAt(tokens, 'refreshTokenExpiresAt') }),
      };
    }
    if (filledAt(settings, 'primaryApiKey'))
      return { status: 'valid', account: accountOf({ email, plan: 'API usage billing' }) };
    if (textAt(tokens, 'refreshToken') === '') return { status: 'blanked' };
    if (isBroken(files, settingsPath) || isBroken(files, credentialsPath)) return { status: 'incomplete' };
    return { status: tokens === undefined ? 'absent' : 'incomplete' };
  },
  desktopFiles: [
    {
      path: settingsPath,
      content: JSON.stringify({
        hasCompletedOnboarding: true,
        projects: { [homeFolder]: { hasTrustDialogAccepted: true } },
      }),
    },
  ],
  apiKeyVariable: 'ANTHROPIC_API_KEY',
  run({ model }) {
    const format = ['--output-format', 'stream-json', '--verbose', '--include-partial-messages'];
    const noTools = ['--tools', '', '--permission-mode', 'dontAsk'];
    return {
      argv: ['claude', '-p', ...format, ...noTools, ...(model ? ['--model', model] : [])],
      env: {
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
        DISABLE_AUTOUPDATER: '1',
        // Its own ten retries also wait two minutes for a wrong API key to become right.
        CLAUDE_CODE_MAX_RETRIES: '4',
      },
      files: [],
    };
  },
  createParser: () => createRunParser({ event: readClaudeEvent(), streams: true }),
};

function packFiles(files: HomeFiles): HomeFiles {
  const { [settingsPath]: text, [credentialsPath]: credentials } = files;
  const settings = parseJson(text ?? '');
  const needed = neededSettings.flatMap((key) => {
    const value = at(settings, key);
    return value === undefined ? [] : [[key, value]];
  });
  return {
    ...(credentials !== undefined && { [credentialsPath]: credentials }),
    ...(text !== undefined && {
      [settingsPath]: isRecord(settings) ? JSON.stringify(Object.fromEntries(needed)) : text,
    }),
  };
}

/** There, but not yet (or no longer) an object of JSON. */
function isBroken(files: HomeFiles, path: string): boolean {
  const text = files[path];
  return text !== undefined && !isRecord(parseJson(text));
}
