/** Connects to the display's unix socket, and waits for it while the X server is still starting. */

import { once } from 'node:events';
import { existsSync, type FSWatcher, watch } from 'node:fs';
import { connect, type OnReadOpts, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { PolydevError } from '@polydev/protocol';

/** The moment between a socket's name and its server listening leaves no trace in the file system. */
const refusedAgainMs = 50;

/** Paused: nothing is read before someone resumes it. Rejects with `unavailable` when the signal fires first. */
export async function connectWhenThere(path: string, signal: AbortSignal, onread?: OnReadOpts): Promise<Socket> {
  while (!signal.aborted) {
    const watcher = watchNearest(dirname(path));
    try {
      return await connectNow(path, onread);
    } catch (error) {
      const again = [once(watcher, 'change', { signal })];
      if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') again.push(pause(refusedAgainMs, signal));
      await Promise.race(again).catch(() => undefined);
    } finally {
      watcher.close();
    }
  }
  throw new PolydevError('unavailable', 'The display is not there.');
}

async function connectNow(path: string, onread?: OnReadOpts): Promise<Socket> {
  const socket = connect({ path, onread }).pause();
  await once(socket, 'connect');
  return socket;
}

/** Watches the folder, or while it does not exist the nearest one above it. */
function watchNearest(folder: string): FSWatcher {
  const existing = existsSync(folder) ? folder : undefined;
  if (!existing) return watchNearest(dirname(folder));
  return watch(existing);
}

function pause(ms: number, signal: AbortSignal): Promise<unknown[]> {
  return once(AbortSignal.any([signal, AbortSignal.timeout(ms)]), 'abort');
}
