/** How each tool is run without a person, how its answer is read, and where its credential lies. */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fieldsOf } from '../fields.ts';
import type { Doubles } from '../index.ts';
import type { TokenSet } from '../tokens.ts';
import type { Bench, Outcome, Tool } from './tools.ts';

type Provider = 'claude_code' | 'openai_codex' | 'google_gemini';

export interface ToolCommand {
  tool: Tool;
  provider: Provider;
  args: readonly string[];
  keyVariable: string;
  accountEnv: Record<string, string>;
  credentialFile: string;
  /** The credential as the tool stores it. */
  stored(tokens: TokenSet, accountId: string): unknown;
  refreshTokenIn(stored: unknown): string;
  /** Pieces of the answer in one line of the tool's output. */
  piece(event: unknown): string;
}

/** The text at the end of the path, or none. */
export function textAt(value: unknown, ...path: string[]): string {
  const found = path.reduce((inner, name) => fieldsOf(inner)[name], value);
  return typeof found === 'string' ? found : '';
}

export const toolCommands: readonly ToolCommand[] = [
  {
    tool: 'claude',
    provider: 'claude_code',
    args: [
      ...['-p', '--output-format', 'stream-json', '--verbose', '--include-partial-messages'],
      ...['--tools', '', '--permission-mode', 'dontAsk'],
    ],
    keyVariable: 'ANTHROPIC_API_KEY',
    accountEnv: {},
    credentialFile: '.claude/.credentials.json',
    stored: ({ accessToken, refreshToken, expiresInS, scope }) => ({
      claudeAiOauth: { accessToken, refreshToken, expiresAt: Date.now() + expiresInS * 1000, scopes: scope.split(' ') },
    }),
    refreshTokenIn: (stored) => textAt(stored, 'claudeAiOauth', 'refreshToken'),
    piece: (event) => textAt(event, 'event', 'delta', 'text'),
  },
  {
    tool: 'codex',
    provider: 'openai_codex',
    args: [
      ...['exec', '--json', '--skip-git-repo-check', '-s', 'read-only'],
      ...['--disable', 'shell_tool', '--disable', 'unbounded_connection_retries'],
      ...['--disable', 'plugins', '--disable', 'apps', '-'],
    ],
    keyVariable: 'CODEX_API_KEY',
    accountEnv: {},
    credentialFile: '.codex/auth.json',
    stored: ({ accessToken, refreshToken, idToken }, account_id) => ({
      auth_mode: 'chatgpt',
      OPENAI_API_KEY: null,
      tokens: {
        id_token: idToken,
        access_token: accessToken,
        refresh_token: refreshToken,
        oauth_provenance: { issuer: 'https://auth.openai.com', client_id: 'app_EMoamEEZ73f0CkXaXp7hrann' },
        account_id,
      },
      last_refresh: new Date().toISOString(),
    }),
    refreshTokenIn: (stored) => textAt(stored, 'tokens', 'refresh_token'),
    piece: (event) => (textAt(event, 'type') === 'item.completed' ? textAt(event, 'item', 'text') : ''),
  },
  {
    tool: 'gemini',
    provider: 'google_gemini',
    args: ['-o', 'stream-json', '--skip-trust'],
    keyVariable: 'GEMINI_API_KEY',
    accountEnv: { GOOGLE_GENAI_USE_GCA: 'true' },
    credentialFile: '.gemini/oauth_creds.json',
    stored: ({ accessToken, refreshToken, idToken, expiresInS, scope }) => ({
      access_token: accessToken,
      refresh_token: refreshToken,
      id_token: idToken,
      scope,
      token_type: 'Bearer',
      expiry_date: Date.now() + expiresInS * 1000,
    }),
    refreshTokenIn: (stored) => textAt(stored, 'refresh_token'),
    piece: (event) => (textAt(event, 'role') === 'assistant' ? textAt(event, 'content') : ''),
  },
];

export function commandOf(tool: Tool): ToolCommand {
  const found = toolCommands.find((command) => command.tool === tool);
  if (!found) throw new Error(`No command for ${tool}.`);
  return found;
}

const scopes: Record<Provider, string> = {
  claude_code: 'user:inference user:profile',
  openai_codex: 'openid profile email offline_access',
  google_gemini: 'https://www.googleapis.com/auth/cloud-platform https://www.googleapis.com/auth/userinfo.email',
};

/** Puts the smallest credential that works into the home folder; returns its tokens. */
export async function placeAccount(bench: Bench, doubles: Doubles, command: ToolCommand): Promise<TokenSet> {
  const { provider, credentialFile } = command;
  const tokens = doubles.state.tokens.issue({ provider, clientId: 'placed', scope: scopes[provider] });
  const path = join(bench.home, credentialFile);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, JSON.stringify(command.stored(tokens, doubles.state.accounts[provider].accountId)));
  return tokens;
}

export async function readStored(bench: Bench, path: string): Promise<unknown> {
  return JSON.parse(await readFile(join(bench.home, path), 'utf8'));
}

export function runTool(bench: Bench, command: ToolCommand, prompt: string, env: Record<string, string>) {
  return bench.run(command.tool, command.args, prompt, env);
}

export function eventsOf({ stdout }: Outcome): unknown[] {
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as unknown);
}

export function piecesIn(command: ToolCommand, outcome: Outcome): string[] {
  return eventsOf(outcome).map(command.piece).filter(Boolean);
}
