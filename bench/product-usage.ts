/** What the product itself takes of the host: memory and descriptors of its processes, and what it made for sandboxes. */

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { linkPrefix } from '@polydev/drivers/host-network/names';
import { mountsUnder } from '@polydev/drivers/mounts';
import { type CgroupLayout, groupFolders, groupPath } from '@polydev/drivers/oci/cgroup-layout';
import { pidOf } from '../e2e/processes.ts';
import type { HostPaths } from '../setup/paths.ts';

export interface ProductUsage {
  /** What processes share counts in parts. */
  controllerBytes: number;
  hostdBytes: number;
  /** Of both. */
  descriptors: number;
  mounts: number;
  links: number;
  cgroups: number;
  /** Entries of the journal. */
  journal: number;
}

async function usageOfProduct(paths: HostPaths, layout: CgroupLayout): Promise<ProductUsage> {
  const [controller, hostd] = [pidOf(paths, 'controller'), pidOf(paths, 'hostd')];
  const links = JSON.parse(execFileSync('ip', ['-json', 'link'], { encoding: 'utf8' })) as { ifname: string }[];
  return {
    controllerBytes: memoryOf(controller),
    hostdBytes: memoryOf(hostd),
    descriptors: descriptorsOf(controller) + descriptorsOf(hostd),
    mounts: (await mountsUnder(paths.run)).length,
    links: links.filter(({ ifname }) => ifname.startsWith(linkPrefix(paths.instance))).length,
    cgroups: groupFolders(layout, groupPath(paths.instance)).flatMap(foldersIn).length,
    journal: readdirSync(paths.journal).length,
  };
}

function memoryOf(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]) * 1024;
}

function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** None where there is no sandbox yet. */
function foldersIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
}

/** The least of each that was seen while nothing happened: what is waiting to be collected is not in use. */
export async function settledUsage(paths: HostPaths, layout: CgroupLayout, looks = 15): Promise<ProductUsage> {
  let least = await usageOfProduct(paths, layout);
  for (let look = 1; look < looks; look += 1) {
    await new Promise((resolve) => setTimeout(resolve, betweenLooksMs));
    const now = await usageOfProduct(paths, layout);
    const keys = Object.keys(least) as (keyof ProductUsage)[];
    least = Object.fromEntries(keys.map((key) => [key, Math.min(least[key], now[key])])) as unknown as ProductUsage;
  }
  return least;
}

const betweenLooksMs = 1000;
