/** The Debian packages that the host needs, and their installation. */

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline/promises';
import { PolydevError } from '@polydev/protocol';
import type { Step } from './progress.ts';

/** Package → why the host needs it. */
export const hostPackages: Readonly<Record<string, string>> = {
  runc: 'runs the sandboxes',
  conmon: 'keeps the console of each sandbox',
  mmdebstrap: 'builds the golden image',
  'debian-archive-keyring': 'proves the packages of the golden image',
  nftables: 'closes the network around each sandbox',
  iproute2: 'makes the link of each sandbox',
  libjemalloc2: 'keeps the memory of the product small however long it runs',
  'ca-certificates': 'proves who answers at the other end of TLS',
};

/** More that only the tests need. */
export const testPackages: Readonly<Record<string, string>> = {
  chromium: 'the browser of the end-to-end tests',
  curl: 'the examples of the papers use it',
  'firefox-esr': 'the dashboard is tested in it, too',
  postgresql: 'the store tests run on a real server too',
  'redis-server': 'the store tests run on it too',
};

export async function missingPackages(wanted: Readonly<Record<string, string>>): Promise<string[]> {
  const names = Object.keys(wanted);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own field syntax.
  const { output } = await run('dpkg-query', ['--show', '--showformat=${Package} ${db:Status-Status}\n', ...names]);
  const installed = new Set(
    output
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  return names.filter((name) => !installed.has(name));
}

/** True when the person agrees; without a terminal nobody can be asked and the answer is yes. */
export async function mayInstall(names: readonly string[], why: Readonly<Record<string, string>>): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return true;
  process.stdout.write('Polydev needs these Debian packages:\n');
  for (const name of names) process.stdout.write(`  ${name.padEnd(24)} ${why[name] ?? ''}\n`);
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await prompt.question('Install them now? [Y/n] ');
  prompt.close();
  return !/^n/i.test(answer.trim());
}

export async function installPackages(names: readonly string[], step: Step): Promise<void> {
  await aptGet(['update'], step);
  await aptGet(['install', '--yes', '--no-install-recommends', ...names], step);
}

async function aptGet(args: string[], step: Step): Promise<void> {
  let done = 0;
  const { code, output } = await run('apt-get', ['--quiet', ...args], (line) => {
    if (/^(Setting up|Unpacking|Get:)/.test(line)) done += 1;
    step.detail(`${args[0]} ${done} ${line.slice(0, 60)}`);
  });
  if (code === 0) return;
  if (/Temporary failure resolving|Could not connect|Could not resolve/.test(output)) {
    throw new PolydevError('no_network', 'The Debian package mirror cannot be reached.', { cause: output });
  }
  if (/No space left|don't have enough free space/.test(output)) {
    throw new PolydevError('disk_full', 'The disk is full.', { cause: output });
  }
  const lastWords = output.trim().split('\n').slice(-3).join(' ');
  throw new PolydevError('host_lacks', `apt-get ${args[0]} failed: ${lastWords}`, { cause: output });
}

function run(command: string, args: string[], onLine?: (line: string) => void) {
  return new Promise<{ code: number | null; output: string }>((resolve) => {
    const env = { PATH: process.env.PATH, ...proxies(), DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' };
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    let output = '';
    const take = (chunk: Buffer) => {
      const text = chunk.toString();
      output = (output + text).slice(-64 * 1024);
      for (const line of text.split('\n')) if (line.trim()) onLine?.(line.trim());
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', (error) => resolve({ code: 127, output: error.message }));
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** All that apt needs to know of who started us; our own settings hold secrets. */
function proxies(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(https?|no)_proxy$/i.test(name)));
}
