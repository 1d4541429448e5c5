/** A sandbox's control group as a thing to take away again, with every process in it. */

import { existsSync } from 'node:fs';
import { readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../exec.ts';
import { hasCode, isMissing } from '../journal.ts';
import { kill } from '../processes.ts';
import type { Resource } from '../resources.ts';
import { isPopulated, untilEmpty } from './cgroup-events.ts';
import { type CgroupLayout, groupFolders } from './cgroup-layout.ts';

const emptyMs = 5_000;
/** A group can be busy for a moment after its last process was reaped. */
const removeAgainMs = 5;

export function cgroupOf(layout: CgroupLayout, path: string): Resource {
  return {
    name: `cgroup ${path}`,
    acquire: async () => undefined, // runc makes it, with the limits in it
    async release() {
      await killAll(layout, path);
      await Promise.all(groupFolders(layout, path).map(removeTree));
    },
    async remains() {
      return groupFolders(layout, path)
        .filter((folder) => existsSync(folder))
        .map((folder) => `cgroup ${folder}`);
    },
  };
}

/** Kills every process of the group, frozen ones too, and waits until it is empty. */
export async function killAll(layout: CgroupLayout, path: string): Promise<void> {
  if (!(await isPopulated(layout, path))) return;
  const folder = join(layout.unified, path);
  const switchFile = join(folder, 'cgroup.kill'); // Linux 5.14
  if (existsSync(switchFile)) await writeFile(switchFile, '1');
  else for (const pid of await pidsOf(folder)) kill(pid, 'SIGKILL'); // its first process takes the others with it
  await untilEmpty(layout, path, emptyMs);
}

async function pidsOf(folder: string): Promise<number[]> {
  const own = (await readFile(join(folder, 'cgroup.procs'), 'utf8')).split('\n').filter(Boolean).map(Number);
  const below = await Promise.all((await foldersIn(folder)).map(pidsOf));
  return [own, ...below].flat();
}

async function removeTree(folder: string): Promise<void> {
  try {
    await removeByPath(folder);
  } catch (error) {
    // Root in a sandbox made groups so deep that no path leads there. `find` walks from each folder into the next.
    if (!hasCode(error, 'ENAMETOOLONG')) throw error;
    await run(['find', folder, '-depth', '-type', 'd', '-delete']);
  }
}

async function removeByPath(folder: string): Promise<void> {
  for (const child of await foldersIn(folder)) await removeByPath(child);
  const endMs = performance.now() + emptyMs;
  for (;;) {
    try {
      await rmdir(folder);
      return;
    } catch (error) {
      if (isMissing(error)) return;
      if (performance.now() > endMs) throw error;
      await sleep(removeAgainMs);
    }
  }
}

async function foldersIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
