/** What this host is like: found once, when the driver is made. */

import { existsSync } from 'node:fs';
import { access, constants, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { childEnvironment } from '../exec.ts';
import { readMounts } from '../mounts.ts';
import type { HostTraits } from './bundle.ts';
import { type CgroupLayout, detectCgroups } from './cgroup-layout.ts';
import type { Programs } from './container.ts';

export interface Host {
  /** Undefined on a host that has no control groups to use. */
  traits: HostTraits | undefined;
  /** Paths, or bare names where a program was not found. */
  programs: Programs;
}

export async function findHost(): Promise<Host> {
  const cgroups = detectCgroups(await readMounts());
  const [runc, conmon] = await Promise.all([findProgram('runc'), findProgram('conmon')]);
  return {
    traits: cgroups && {
      cgroups,
      swapControl: await hasSwapControl(cgroups),
      ipv6: existsSync('/proc/sys/net/ipv6'),
      arch: process.arch,
    },
    programs: { runc: runc ?? 'runc', conmon: conmon ?? 'conmon' },
  };
}

export async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of (childEnvironment.PATH ?? '').split(':')) {
    const file = join(folder, name);
    const found = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return file;
  }
  return undefined;
}

/** On version 2 the root group has no swap.max, but every group below has one if any has. */
async function hasSwapControl(cgroups: CgroupLayout): Promise<boolean> {
  const memory = cgroups.v1.get('memory');
  if (memory) return existsSync(join(memory, 'memory.memsw.limit_in_bytes'));
  const entries = await readdir(cgroups.unified, { withFileTypes: true });
  return entries.some((entry) => existsSync(join(cgroups.unified, entry.name, 'memory.swap.max')));
}

/** Sizes in /proc/swaps, in KiB, are beside the point: any swap at all could take what must not reach a disk. */
export async function hasSwap(): Promise<boolean> {
  const lines = (await readFile('/proc/swaps', 'utf8').catch(() => '')).trim().split('\n');
  return lines.length > 1;
}

/** What the kernel says can be given to new programs without taking it from others. */
export async function freeMemory(): Promise<{ freeMiB: number }> {
  const line = /^MemAvailable:\s+(\d+) kB$/m.exec(await readFile('/proc/meminfo', 'utf8'));
  return { freeMiB: Math.floor(Number(line?.[1] ?? 0) / 1024) };
}
