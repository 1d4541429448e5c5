/** What the person asked for, and which Polydev it goes to. The only file of cli/ that reads argv and environment. */

import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { CliError } from './errors.ts';

export interface Invocation {
  command: string;
  /** What stands behind the command. */
  words: string[];
  options: {
    model?: string;
    account?: string;
    label?: string;
    url?: string;
    limit?: string;
    journal: boolean;
    /** A file to write. */
    screenshot?: string;
    json: boolean;
    apiKeyFromStdin: boolean;
    tokenFromStdin: boolean;
  };
}

export interface Connection {
  url: string;
  token: string;
}

const defaultUrl = 'http://localhost:4000';

export function readInvocation(): Invocation {
  const { values, positionals } = parse();
  const [command = 'help', ...words] = positionals;
  return {
    command: values.help ? 'help' : command,
    words,
    options: {
      model: values.model,
      account: values.account,
      label: values.label,
      url: values.url,
      limit: values.limit,
      journal: values.journal,
      screenshot: values.screenshot,
      json: values.json,
      apiKeyFromStdin: values['api-key-stdin'],
      tokenFromStdin: values['token-stdin'],
    },
  };
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        json: { type: 'boolean', default: false },
        model: { type: 'string', short: 'm' },
        account: { type: 'string', short: 'a' },
        label: { type: 'string' },
        limit: { type: 'string' },
        journal: { type: 'boolean', default: false },
        screenshot: { type: 'string' },
        url: { type: 'string' },
        'api-key-stdin': { type: 'boolean', default: false },
        'token-stdin': { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    const sentence = (error instanceof Error ? error.message : String(error)).split('. ')[0] ?? '';
    throw new CliError(sentence.replace(/\.?$/, '.'), '`polydev help` shows what there is.', 2);
  }
}

/** The environment goes before the settings file. */
export async function readConnection(): Promise<Connection> {
  const saved = await readSaved();
  const token = process.env.POLYDEV_TOKEN ?? saved.token;
  const url = process.env.POLYDEV_URL ?? saved.url ?? defaultUrl;
  if (token === undefined) {
    throw new CliError(
      'No API token.',
      'Create one in the dashboard under Settings, then: polydev login --url ADDRESS --token-stdin',
    );
  }
  return { url, token };
}

/** Written beside and renamed into place, readable by this user alone. */
export async function saveConnection(connection: Connection): Promise<string> {
  const path = settingsPath();
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const fresh = `${path}.${process.pid}`;
  await writeFile(fresh, `${JSON.stringify(connection, null, 2)}\n`, { mode: 0o600 });
  await rename(fresh, path);
  return path;
}

export function loginUrl(invocation: Invocation): string {
  return invocation.options.url ?? process.env.POLYDEV_URL ?? defaultUrl;
}

async function readSaved(): Promise<Partial<Connection>> {
  let text: string;
  try {
    text = await readFile(settingsPath(), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw error;
  }
  try {
    const { url, token } = JSON.parse(text);
    return { url: typeof url === 'string' ? url : undefined, token: typeof token === 'string' ? token : undefined };
  } catch {
    throw new CliError(`${settingsPath()} is not JSON.`, 'Write it anew: polydev login --url ADDRESS --token-stdin');
  }
}

function settingsPath(): string {
  return join(process.env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'polydev', 'config.json');
}
