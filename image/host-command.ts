/** Runs a program of the host: argv only, no shell; the end of what it said comes with the result. */

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface CommandResult {
  /** Exit status; null when a signal ended it or it could not start. */
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface CommandOptions {
  env?: Record<string, string>;
  cwd?: string;
  timeoutMs?: number;
  onLine?: (line: string) => void;
  /** A file descriptor that the program is given as its 3. */
  inherit?: number;
}

/** Characters kept of each stream; a build log is long and only its end explains a failure. */
const keptCharacters = 64 * 1024;

export function runCommand(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [program, ...args] = argv;
  if (program === undefined) throw new TypeError('runCommand needs a program');
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...passedOn(), ...options.env },
      stdio: ['ignore', 'pipe', 'pipe', ...(options.inherit === undefined ? [] : [options.inherit])],
      timeout: options.timeoutMs,
      killSignal: 'SIGKILL',
    });
    const kept = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      const stream = child[name];
      if (!stream) continue;
      createInterface({ input: stream }).on('line', (line) => {
        kept[name] = `${kept[name]}${line}\n`.slice(-keptCharacters);
        options.onLine?.(line);
      });
    }
    child.once('error', (error) => resolve({ code: null, stdout: kept.stdout, stderr: error.message }));
    child.once('close', (code) => resolve({ code, ...kept }));
  });
}

/** Of our own environment, what such a program may need: where things are and how to the network. Nothing secret. */
function passedOn(): NodeJS.ProcessEnv {
  const passed =
    /^(PATH|HOME|TMPDIR|LANG|LC_.*|TZ|(https?|ftp|all|no)_proxy|npm_config_.*|NODE_EXTRA_CA_CERTS|SSL_CERT_.*)$/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => passed.test(name)));
}

/** The last lines that say something, for an error message. */
export function tail(result: CommandResult, lines = 5): string {
  const said = `${result.stdout}${result.stderr}`.split('\n').filter((line) => line.trim() !== '');
  return said.slice(-lines).join('\n');
}
