/** The parts that can be killed, as the host sees them, and what a kill may have left on it. */

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import type { HostPaths } from '../setup/paths.ts';
import { killIn } from './sandbox-processes.ts';
import type { Stage } from './stage.ts';

export type Part = 'controller' | 'hostd' | 'agent' | 'container' | 'x-server' | 'browser';

const inSandbox: Partial<Record<Part, RegExp>> = {
  agent: /agent\.mjs/,
  // runc's child: the first process, whose end is the end of all.
  container: /^(\/sbin\/init|\/(usr\/)?lib\/systemd\/systemd)( |$)/,
  'x-server': /Xtigervnc/,
  browser: /firefox-esr --profile/,
};
const lookAgainMs = 50;
const findMs = 30_000;

/** Kills with -9. `owner` is the sign-in or run whose sandbox is meant. */
export async function killPart(stage: Stage, part: Part, owner: string): Promise<void> {
  const { paths } = stage.product;
  const command = inSandbox[part];
  if (!command) {
    process.kill(processOf(paths, part), 'SIGKILL');
    return;
  }
  // The part may be coming up just now.
  await until(async () => {
    const sandbox = (await stage.polydev.sandboxes.list()).find((one) => one.owner === owner);
    return sandbox !== undefined && killIn(paths, sandbox.id, command) > 0;
  }, findMs);
}

function processOf(paths: HostPaths, part: Part): number {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const command = read(`/proc/${pid}/cmdline`);
    if (command.includes(`${paths.home}/releases/`) && command.includes(`${part}/main.ts`)) return Number(pid);
  }
  throw new Error(`There is no ${part}.`);
}

/** Resolves when the product answers, and its host service too. */
export async function untilHealthy({ product, polydev }: Stage, withinMs: number): Promise<void> {
  await until(async () => {
    const answer = await fetch(`${product.url}/health`).catch(() => null);
    if (!answer?.ok) return false;
    return (await polydev.health()).hostd;
  }, withinMs);
}

/** One line for each cgroup, mount, link and journal entry of a sandbox that the product does not know any more. */
export async function strays({ product, polydev }: Stage): Promise<string[]> {
  const { paths } = product;
  const known = new Set<string>((await polydev.sandboxes.list()).map(({ id }) => id));
  const found = new Map<string, string>();
  const note = (text: string, what: string) => {
    for (const [id] of text.matchAll(/sbx_[a-z0-9]{20}/g)) if (!known.has(id)) found.set(`${what} ${id}`, id);
  };
  note(execFileSync('find', ['/sys/fs/cgroup', '-type', 'd', '-path', `*polydev-${paths.instance}*`], text), 'cgroup');
  note(
    read('/proc/mounts')
      .split('\n')
      .filter((line) => line.includes(`${paths.run}/`))
      .join('\n'),
    'mount',
  );
  note(readdirSync(paths.journal).join('\n'), 'journal');
  return [...found.keys()];
}

const text = { encoding: 'utf8' } as const;

export async function until(holds: () => Promise<boolean>, withinMs: number): Promise<void> {
  const lastMs = performance.now() + withinMs;
  for (;;) {
    if (await holds().catch(() => false)) return;
    if (performance.now() > lastMs) throw new Error(`It did not hold within ${withinMs / 1000} s: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').replaceAll('\0', ' ');
  } catch {
    return ''; // It ended while we looked.
  }
}
