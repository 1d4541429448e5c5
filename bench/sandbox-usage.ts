/** What one sandbox takes of the host, as the kernel counts for its control group. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readMounts } from '@polydev/drivers/mounts';
import { type CgroupLayout, detectCgroups, groupPath } from '@polydev/drivers/oci/cgroup-layout';
import type { SandboxId } from '@polydev/protocol';

export interface SandboxUsage {
  /** Without files of the image that the kernel could forget at once; they are shared by all sandboxes. */
  bytes: number;
  /** Since it started. */
  cpuMs: number;
}

export async function findCgroups(): Promise<CgroupLayout> {
  const layout = detectCgroups(await readMounts());
  if (!layout) throw new Error('This host has no control groups that sandboxes can use.');
  return layout;
}

export async function usageOfSandbox(layout: CgroupLayout, instance: string, id: SandboxId): Promise<SandboxUsage> {
  const path = groupPath(instance, id);
  const memory = layout.v1.get('memory');
  const cpu = layout.v1.get('cpuacct');
  const memoryFolder = join(memory ?? layout.unified, path);
  const all = Number(await readFile(join(memoryFolder, memory ? 'memory.usage_in_bytes' : 'memory.current'), 'utf8'));
  const stat = await readTable(join(memoryFolder, 'memory.stat'));
  // Version 1 counts what is below a group in fields of their own.
  const files = ['active_file', 'inactive_file'].map((name) => stat[memory ? `total_${name}` : name] ?? 0);
  return {
    bytes: all - files.reduce((sum, bytes) => sum + bytes, 0),
    cpuMs: cpu
      ? Number(await readFile(join(cpu, path, 'cpuacct.usage'), 'utf8')) / 1e6
      : ((await readTable(join(layout.unified, path, 'cpu.stat'))).usage_usec ?? 0) / 1e3,
  };
}

/** Lines of a name and a number. */
async function readTable(file: string): Promise<Record<string, number>> {
  const lines = (await readFile(file, 'utf8')).trim().split('\n');
  return Object.fromEntries(lines.map((line) => line.split(' ')).map(([name, value]) => [name, Number(value)]));
}
