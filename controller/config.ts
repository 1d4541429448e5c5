/** Reads the configuration once: defaults, then a JSON file, then the environment, then flags. */

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { PolydevError } from '@polydev/protocol';
import { Value } from 'typebox/value';
import { Config, secretSettings, sources } from './config-schema.ts';

export type { Config } from './config-schema.ts';

export interface Settings {
  config: Config;
  /** Only for tests: a controller never runs as root. */
  allowRoot: boolean;
  /** Print the configuration and end. */
  printOnly: boolean;
}

type Tree = { [key: string]: unknown };

/** Throws `invalid_request` that names the setting and where it came from. */
export function readSettings(argv: readonly string[], env: NodeJS.ProcessEnv): Settings {
  const flags = parseFlags(argv);
  const tree: Tree = typeof flags.config === 'string' ? readFile(flags.config) : {};
  for (const { setting, env: name } of sources) {
    const value = name === undefined ? undefined : env[name];
    if (value !== undefined && value !== '') put(tree, setting, value);
  }
  for (const { setting, flag } of sources) {
    const value = flag === undefined ? undefined : flags[flag];
    if (typeof value === 'string') put(tree, setting, value);
  }
  return {
    config: parseConfig(tree),
    allowRoot: flags['allow-root'] === true,
    printOnly: flags['print-config'] === true,
  };
}

export function parseConfig(tree: unknown): Config {
  const filled = Value.Default(Config, Value.Convert(Config, Value.Clone(tree)));
  const [problem] = Value.Errors(Config, filled);
  if (problem) {
    const where = problem.instancePath.slice(1).replaceAll('/', '.') || 'the configuration';
    const extra = 'additionalProperties' in problem.params ? ` (${String(problem.params.additionalProperties)})` : '';
    throw new PolydevError('invalid_request', `Configuration: ${where} ${problem.message}${extra}.`);
  }
  const config = filled as Config;
  if (config.signIn.defaultMs > config.signIn.hardMs)
    throw new PolydevError('invalid_request', 'Configuration: signIn.defaultMs must not be more than signIn.hardMs.');
  return config;
}

/** The configuration as it may be shown: secrets are masked. */
export function printable(config: Config): Tree {
  const shown = structuredClone(config) as Tree;
  for (const setting of secretSettings) {
    if (typeof get(shown, setting) === 'string') put(shown, setting, '(set)');
  }
  return shown;
}

function parseFlags(argv: readonly string[]): Record<string, unknown> {
  const named = sources.flatMap(({ flag }) => (flag === undefined ? [] : [[flag, { type: 'string' as const }]]));
  try {
    return parseArgs({
      args: [...argv],
      options: {
        ...Object.fromEntries(named),
        config: { type: 'string' },
        'allow-root': { type: 'boolean' },
        'print-config': { type: 'boolean' },
      },
    }).values;
  } catch (cause) {
    throw new PolydevError('invalid_request', cause instanceof Error ? cause.message : 'Bad flags.', { cause });
  }
}

const whyUnread: Readonly<Record<string, string>> = {
  ENOENT: 'there is none',
  EACCES: "the controller's user may not read it or a folder above it",
  EISDIR: 'it is a folder',
};

function readFile(path: string): Tree {
  let text: string;
  let content: unknown;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const why = whyUnread[(cause as NodeJS.ErrnoException).code ?? ''] ?? 'it cannot be opened';
    throw new PolydevError('invalid_request', `The configuration file ${path} is not read: ${why}.`, { cause });
  }
  try {
    content = JSON.parse(text);
  } catch {
    // Without a cause: a parser's message quotes the file, which may hold secrets.
    throw new PolydevError('invalid_request', `The configuration file ${path} is not JSON.`);
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw new PolydevError('invalid_request', `The configuration file ${path} must hold one JSON object.`);
  return content as Tree;
}

function put(tree: Tree, setting: string, value: unknown): void {
  const keys = setting.split('.');
  const last = keys.pop() ?? '';
  let node = tree;
  for (const key of keys) {
    if (typeof node[key] !== 'object' || node[key] === null) node[key] = {};
    node = node[key] as Tree;
  }
  node[last] = value;
}

function get(tree: Tree, setting: string): unknown {
  return setting.split('.').reduce<unknown>((node, key) => (node as Tree | undefined)?.[key], tree);
}
