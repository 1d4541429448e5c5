/** One controller for each data folder: the embedded database admits a single process. */

import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PolydevError } from '@polydev/protocol';
import { notWritten } from './not-written.ts';

/**
 * Makes the folder if it is not there. Resolves with the way to unlock. Throws `unavailable` while another controller
 * holds it, `host_lacks` or `disk_full` when nothing can be written there.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, 'controller.pid');
  const own = `${path}.${process.pid}`;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(own, await identify(process.pid), { mode: 0o600 });
  } catch (cause) {
    throw notWritten(`The data folder ${folder}`, cause);
  }
  try {
    while (!(await linked(own, path))) {
      const holder = await readFile(path, 'utf8').catch(() => '');
      const pid = Number(holder.split(' ')[0]);
      if (holder !== '' && holder === (await identify(pid)))
        throw new PolydevError('unavailable', `Another controller (process ${pid}) uses the data folder ${folder}.`);
      await rm(path, { force: true });
    }
  } finally {
    await rm(own, { force: true });
  }
  return () => rm(path, { force: true });
}

/** With its content at once, so that nobody reads half of it. False when there is one already. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** A process by its id and its start, so that a number given out anew is somebody else. */
async function identify(pid: number): Promise<string> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const startedTicks = status.slice(status.lastIndexOf(')') + 2).split(' ')[19];
  return startedTicks === undefined ? '' : `${pid} ${startedTicks}`;
}
