/** What the kernel says about a control group as it happens: empty or not, frozen or not. */

import { watch } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../journal.ts';
import type { CgroupLayout } from './cgroup-layout.ts';

/** It takes the kernel a few milliseconds, unless a process hangs in it. */
const frozenMs = 5_000;
const againMs = 1_000;

/** Calls back once when no process is left in the group, also if that is so already. Returns how to stop. */
export function watchEmpty(layout: CgroupLayout, path: string, onEmpty: () => void): () => void {
  return watchEvents(layout, path, isEmpty, onEmpty);
}

/** Freezes or thaws all processes of the group; resolves when the kernel has done it, rejects when it does not soon. */
export async function setFrozen(
  layout: CgroupLayout,
  path: string,
  frozen: boolean,
  withinMs = frozenMs,
): Promise<void> {
  const wanted = frozen ? '1' : '0';
  await writeFile(join(layout.unified, path, 'cgroup.freeze'), wanted);
  await until(layout, path, {
    condition: (events) => events === undefined || events.frozen === wanted,
    withinMs,
    otherwise: `${path} was not ${frozen ? 'frozen' : 'thawed'} within ${withinMs} ms`,
  });
}

/** Resolves when no process is left in the group. */
export async function untilEmpty(layout: CgroupLayout, path: string, withinMs: number): Promise<void> {
  await until(layout, path, {
    condition: isEmpty,
    withinMs,
    otherwise: `processes in ${path} did not end within ${withinMs} ms`,
  });
}

export async function isFrozen(layout: CgroupLayout, path: string): Promise<boolean> {
  return (await readEvents(layout, path))?.frozen === '1';
}

export async function isPopulated(layout: CgroupLayout, path: string): Promise<boolean> {
  return (await readEvents(layout, path))?.populated === '1';
}

type Events = Record<string, string>;
/** Undefined: the group is no more. */
type Condition = (events: Events | undefined) => boolean;

const isEmpty = (events: Events | undefined) => events?.populated !== '1';

async function until(
  layout: CgroupLayout,
  path: string,
  { condition, withinMs, otherwise }: { condition: Condition; withinMs: number; otherwise: string },
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const stop = watchEvents(layout, path, condition, () => {
      clearTimeout(late);
      resolve();
    });
    const late = setTimeout(() => {
      stop();
      reject(new Error(otherwise));
    }, withinMs);
  });
}

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
function watchEvents(layout: CgroupLayout, path: string, condition: Condition, then: () => void): () => void {
  let over = false;
  let watcher: ReturnType<typeof watch> | undefined;
  let again: NodeJS.Timeout | undefined;
  const stop = () => {
    over = true;
    watcher?.close();
    clearTimeout(again);
  };
  const read = async () => {
    const events = await readEvents(layout, path);
    if (over || !condition(events)) return;
    stop();
    then();
  };
  let isWatched = true;
  /** What cannot be read says nothing about the group, such as that it ended: it is read once more. */
  const look = () =>
    void read()
      .then(
        () => isWatched,
        () => false,
      )
      .then((isKnown) => {
        clearTimeout(again);
        if (!isKnown && !over) again = setTimeout(look, againMs);
      });
  try {
    watcher = watch(join(layout.unified, path, 'cgroup.events'), look);
    watcher.on('error', look);
  } catch (error) {
    // The host has no watches left: without them the group is looked at again and again. One that is no more needs none.
    isWatched = isMissing(error);
  }
  look();
  return stop;
}
