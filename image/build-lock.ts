/** One build at a time in a cache folder. The kernel drops the lock when the builder dies, however it dies. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PolydevError } from '@polydev/protocol';

/** Runs `work` under the lock; `onWait` is called first when another holds it. */
export async function underLock<T>(file: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  // `cat` answers what it is sent, but only once flock has let it start: an answer means the lock is held.
  const holder = spawn('flock', ['--exclusive', '--no-fork', file, 'cat'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const failed = once(holder, 'error').then(([error]) => {
    throw new PolydevError('host_lacks', 'flock (util-linux) is not installed.', { cause: error });
  });
  const closed = once(holder, 'close');
  const waiting = setTimeout(onWait, 500);
  try {
    holder.stdin.write('held\n');
    await Promise.race([once(holder.stdout, 'data'), failed, closed]);
    if (holder.exitCode !== null) throw new PolydevError('internal', `The lock ${file} cannot be taken.`);
    clearTimeout(waiting);
    return await work();
  } finally {
    clearTimeout(waiting);
    holder.stdin.end();
    await Promise.race([closed, failed.catch(() => undefined)]);
  }
}
