/** What the kernel says about a control group as it happens: empty or not, frozen or not. */

import { watch } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../journal.ts';
import type { CgroupLayout } from './cgroup-layout.ts';

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
