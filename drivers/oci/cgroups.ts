/**
 * Control groups of this host, found and never assumed: version 2 alone, or version 1 with the unified hierarchy
 * beside it ("hybrid"). In both, the unified hierarchy tells when a sandbox is empty, freezes and kills it.
 */

import { existsSync, watch } from 'node:fs';
import { chown, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMissing } from '../journal.ts';
import type { Mount } from '../mounts.ts';
import { kill } from '../processes.ts';
import type { Resource } from '../resources.ts';
import { idShift } from './places.ts';

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
    await chown(folder, idShift, idShift);
    for (const file of delegatedFiles)
      if (existsSync(join(folder, file))) await chown(join(folder, file), idShift, idShift);
  }
}

/** As Linux lists them in /sys/kernel/cgroup/delegate; `tasks` is version 1. */
const delegatedFiles = [
  'cgroup.procs',
  'cgroup.threads',
  'cgroup.subtree_control',
  'memory.oom.group',
  'memory.reclaim',
  'tasks',
];

/** Calls back once when no process is left in the group, also if that is so already. Returns how to stop. */
export function watchEmpty(layout: CgroupLayout, path: string, onEmpty: () => void): () => void {
  return watchEvents(layout, path, (events) => events?.populated !== '1', onEmpty);
}

/** Freezes or thaws all processes of the group; resolves when the kernel has done it. */
export async function setFrozen(layout: CgroupLayout, path: string, frozen: boolean): Promise<void> {
  const wanted = frozen ? '1' : '0';
  await writeFile(join(layout.unified, path, 'cgroup.freeze'), wanted);
  await new Promise<void>((resolve) => {
    watchEvents(layout, path, (events) => events === undefined || events.frozen === wanted, resolve);
  });
}

export async function isFrozen(layout: CgroupLayout, path: string): Promise<boolean> {
  return (await readEvents(layout, path))?.frozen === '1';
}

export async function isPopulated(layout: CgroupLayout, path: string): Promise<boolean> {
  return (await readEvents(layout, path))?.populated === '1';
}

type Events = Record<string, string>;

async function readEvents(layout: CgroupLayout, path: string): Promise<Events | undefined> {
  try {
    const text = await readFile(join(layout.unified, path, 'cgroup.events'), 'utf8');
    return Object.fromEntries(text.split('\n').map((line) => line.split(' ') as [string, string]));
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENODEV'))
      return undefined;
    throw error;
  }
}

/** The kernel reports changes of cgroup.events as changes of the file. */
function watchEvents(
  layout: CgroupLayout,
  path: string,
  condition: (events: Events | undefined) => boolean,
  then: () => void,
): () => void {
  let over = false;
  let watcher: ReturnType<typeof watch> | undefined;
  const stop = () => {
    over = true;
    watcher?.close();
  };
  const look = async () => {
    const events = await readEvents(layout, path);
    if (over || !condition(events)) return;
    stop();
    then();
  };
  try {
    watcher = watch(join(layout.unified, path, 'cgroup.events'), () => void look());
    watcher.on('error', () => void look());
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  void look();
  return stop;
}

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
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => {
      stop();
      reject(new Error(`processes in ${folder} did not end within ${emptyMs} ms`));
    }, emptyMs);
    const stop = watchEmpty(layout, path, () => {
      clearTimeout(late);
      resolve();
    });
  });
}

async function pidsOf(folder: string): Promise<number[]> {
  const own = (await readFile(join(folder, 'cgroup.procs'), 'utf8')).split('\n').filter(Boolean).map(Number);
  const below = await Promise.all((await foldersIn(folder)).map(pidsOf));
  return [own, ...below].flat();
}

async function removeTree(folder: string): Promise<void> {
  for (const child of await foldersIn(folder)) await removeTree(child);
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
