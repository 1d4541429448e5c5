/**
 * Control groups of this host, found and never assumed: version 2 alone, or version 1 with the unified hierarchy
 * beside it ("hybrid"). In both, the unified hierarchy tells when a sandbox is empty, freezes and kills it.
 */

import { existsSync } from 'node:fs';
import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { idShift } from '@polydev/protocol';
import type { Mount } from '../mounts.ts';

export interface CgroupLayout {
  version: 'v2' | 'hybrid';
  /** Where the unified hierarchy is mounted. */
  unified: string;
  /** Where the version 1 hierarchies are mounted, by controller; `name=systemd` is one of them. Empty for v2. */
  v1: ReadonlyMap<string, string>;
}

/** Undefined when there is no unified hierarchy: version 1 alone, or nothing. */
export function detectCgroups(mounts: readonly Mount[]): CgroupLayout | undefined {
  const unified = mounts.findLast((mount) => mount.type === 'cgroup2' && mount.root === '/');
  if (!unified) return undefined;
  const v1 = new Map<string, string>();
  for (const mount of mounts) {
    if (mount.type !== 'cgroup') continue;
    for (const option of mount.options) if (isController(option)) v1.set(option, mount.target);
  }
  return { version: v1.size > 0 ? 'hybrid' : 'v2', unified: unified.target, v1 };
}

function isController(option: string): boolean {
  return !/^(rw|ro|xattr|clone_children|noprefix|release_agent=.*)$/.test(option);
}

/** The group of an instance, or of one of its sandboxes, relative to each hierarchy. runc wants it in this form. */
export function groupPath(instance: string, id?: string): string {
  return id === undefined ? `/polydev-${instance}` : `/polydev-${instance}/${id}`;
}

/** Every folder that the group has on this host. */
export function groupFolders(layout: CgroupLayout, path: string): string[] {
  return [...new Set([layout.unified, ...layout.v1.values()])].map((mount) => join(mount, path));
}

/** What systemd in the sandbox must own to keep order below its own group. The limits of that group stay the host's. */
export async function delegate(layout: CgroupLayout, path: string): Promise<void> {
  const mounts = [layout.unified, layout.v1.get('name=systemd')].filter((mount) => mount !== undefined);
  for (const mount of mounts) {
    const folder = join(mount, path);
    if (!existsSync(folder)) continue;
    for (const [file, most] of Object.entries(below))
      if (existsSync(join(folder, file))) await writeFile(join(folder, file), String(most));
    await chown(folder, idShift, idShift);
    for (const file of delegatedFiles)
      if (existsSync(join(folder, file))) await chown(join(folder, file), idShift, idShift);
  }
}

/** Several times what systemd makes of it. Version 1 has no such limits. */
const below = { 'cgroup.max.depth': 12, 'cgroup.max.descendants': 1000 };

/** As Linux lists them in /sys/kernel/cgroup/delegate; `tasks` is version 1. */
const delegatedFiles = [
  'cgroup.procs',
  'cgroup.threads',
  'cgroup.subtree_control',
  'memory.oom.group',
  'memory.reclaim',
  'tasks',
];

/**
 * Lets the program that serves a sandbox's console pay from the sandbox's share of the processors, so that a flood
 * on the console slows down only itself.
 */
export async function chargeTo(layout: CgroupLayout, path: string, pid: number): Promise<void> {
  const cpu = layout.v1.get('cpu');
  // On version 2 a group that has groups below it holds no processes of its own.
  const folder = cpu === undefined ? join(layout.unified, path, 'console') : join(cpu, path);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'cgroup.procs'), String(pid));
}

/** Of the usual weight of a group or a program. */
const sandboxesWeigh = 1 / 4;
const usualShares = 1024;
const usualWeight = 100;

/**
 * All sandboxes of the instance together give way to whatever else wants the processors, first of all to Polydev itself,
 * which must answer however much they do. Costs nothing while a processor is free.
 */
export async function giveWay(layout: CgroupLayout, instance: string): Promise<void> {
  const cpu = layout.v1.get('cpu');
  if (cpu === undefined) await writeFile(join(layout.unified, 'cgroup.subtree_control'), '+cpu');
  const folder = join(cpu ?? layout.unified, groupPath(instance));
  await mkdir(folder, { recursive: true });
  if (cpu === undefined) await writeFile(join(folder, 'cpu.weight'), String(usualWeight * sandboxesWeigh));
  else await writeFile(join(folder, 'cpu.shares'), String(usualShares * sandboxesWeigh));
}
