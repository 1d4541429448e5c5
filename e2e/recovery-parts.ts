/** The parts that can be killed, as the host sees them, and what a kill may have left on it. */

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { linkName, linkPrefix } from '@polydev/drivers/host-network/names';
import type { CredentialId } from '@polydev/protocol';
import type { TestServer } from '../setup/test-servers.ts';
import { almostFill } from './full-disk.ts';
import { init, kill, pidOf, processesOf } from './processes.ts';
import type { Stage } from './stage.ts';

export type Part =
  | 'controller'
  | 'hostd'
  | 'agent'
  | 'container'
  | 'x-server'
  | 'browser'
  | 'disk'
  | 'database'
  | 'redis';

/** What the product keeps its things in, where it is not the product itself. */
interface Servers {
  servers?: Record<'database' | 'redis', TestServer>;
}

export interface RecoveryStage extends Stage, Servers {
  /** A sign-in, not a key: each run renews it, so one that a kill had cost would not work any more. */
  credentialId: CredentialId;
}

const inSandbox: Readonly<Record<'agent' | 'container' | 'x-server' | 'browser', RegExp>> = {
  agent: /agent\.mjs/,
  // runc's child.
  container: init,
  'x-server': /Xtigervnc/,
  browser: /firefox-esr --profile/,
};
const lookAgainMs = 50;
const findMs = 120_000;
/** What does not come back by itself is away for this long. */
const awayMs = 2_000;

/** Kills with -9, or fills the disk, at once: `atMs` of the epoch. What nobody starts again is back when `back` resolves. */
export type Shoot = () => { atMs: number; back: Promise<void> };

/** What is to be killed is looked up first. `whose` is the sign-in or run whose sandbox is meant, or the sandbox. */
export async function aimAt(stage: Stage & Servers, part: Part, whose: string): Promise<Shoot> {
  const { paths } = stage.product;
  const shot = (back: Promise<void> = Promise.resolve()) => ({ atMs: Date.now(), back });
  if (part === 'disk') {
    const disk = almostFill(paths);
    return () => {
      disk.fill();
      return shot(sleep(awayMs).then(disk.empty));
    };
  }
  if (part === 'database' || part === 'redis') {
    const server = stage.servers?.[part];
    if (!server) throw new Error(`The stage has no ${part}.`);
    return () => {
      const away = server.end('SIGKILL').then(() => sleep(awayMs));
      return shot(away.then(() => server.start()));
    };
  }
  let pids: number[] = [];
  if (part === 'controller' || part === 'hostd') pids = [pidOf(paths, part)];
  // The part may be coming up just now.
  else
    await until(async () => {
      const sandbox = (await stage.polydev.sandboxes.list()).find(({ id, owner }) => owner === whose || id === whose);
      if (sandbox) pids = processesOf(paths, sandbox.id, inSandbox[part]);
      return pids.length > 0;
    }, findMs);
  return () => {
    kill(pids);
    return shot();
  };
}

/** The same for what lasts longer than the looking up. Answers when it was killed, in ms of the epoch. */
export async function killPart(stage: Stage & Servers, part: Part, whose: string): Promise<number> {
  const { atMs, back } = (await aimAt(stage, part, whose))();
  await back;
  return atMs;
}

/** By when all must hold. */
export interface Deadline {
  signal: AbortSignal;
  leftMs(): number;
}

/** Resolves when the product answers, and its host service too: from then on the time runs. */
export async function untilBack({ product, polydev }: Stage, withinMs: number): Promise<Deadline> {
  await until(async () => {
    const answer = await fetch(`${product.url}/health`).catch(() => null);
    if (!answer?.ok) return false;
    return (await polydev.health()).hostd;
  }, withinMs);
  return deadline(withinMs);
}

export function deadline(withinMs: number): Deadline {
  const lastMs = performance.now() + withinMs;
  return { signal: AbortSignal.timeout(withinMs), leftMs: () => Math.max(0, lastMs - performance.now()) };
}

/** One line for each process, mount, link, cgroup, folder and journal entry of a sandbox that the product does not know. */
export async function strays({ product, polydev }: Stage): Promise<string[]> {
  const { paths } = product;
  const known = (await polydev.sandboxes.list()).map(({ id }) => id);
  const found = new Set<string>();
  const note = (said: string, what: string) => {
    for (const [id] of said.matchAll(/sbx_[a-z0-9]{20}/g))
      if (!known.some((one) => one === id)) found.add(`${what} ${id}`);
  };
  const lines = (said: string, of: string) => said.split('\n').filter((line) => line.includes(of));
  note(execFileSync('find', ['/sys/fs/cgroup', '-type', 'd', '-path', `*polydev-${paths.instance}*`], text), 'cgroup');
  note(lines(read('/proc/mounts'), `${paths.run}/`).join('\n'), 'mount');
  note(readdirSync(paths.journal).join('\n'), 'journal entry');
  note(readdirSync(paths.run).join('\n'), 'folder');
  const commands = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  for (const pid of commands) note(lines(read(`/proc/${pid}/cmdline`), `${paths.run}/`).join('\n'), 'process');
  const ours = new Set(known.map((id) => linkName(paths.instance, id)));
  for (const link of readdirSync('/sys/class/net'))
    if (link.startsWith(linkPrefix(paths.instance)) && !ours.has(link)) found.add(`link ${link}`);
  return [...found];
}

const text = { encoding: 'utf8' } as const;

export async function until(holds: () => Promise<boolean>, withinMs: number): Promise<void> {
  const lastMs = performance.now() + withinMs;
  for (;;) {
    if (await holds().catch(() => false)) return;
    if (performance.now() > lastMs) throw new Error(`It did not hold within ${withinMs / 1000} s: ${holds}`);
    await sleep(lookAgainMs);
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').replaceAll('\0', ' ');
  } catch {
    return ''; // It ended while we looked.
  }
}
