/** One build at a time in a cache folder. The kernel drops the lock when its last holder dies, however it dies. */

import { closeSync, openSync } from 'node:fs';
import { PolydevError } from '@polydev/protocol';
import { runCommand } from './host-command.ts';

/**
 * Runs `work` under the lock; `onWait` is called first when another holds it. `work` is given the lock's file
 * descriptor for programs it starts: one that outlives its builder then still keeps the next builder waiting.
 */
export async function underLock<T>(file: string, onWait: () => void, work: (lock: number) => Promise<T>): Promise<T> {
  // flock(1) locks what we opened, so the lock stays ours when it ends.
  const lock = openSync(file, 'a', 0o600);
  try {
    let taken = await runCommand(['flock', '--exclusive', '--nonblock', '3'], { inherit: lock });
    if (taken.code === 1) {
      onWait();
      taken = await runCommand(['flock', '--exclusive', '3'], { inherit: lock });
    }
    if (taken.code !== 0) throw new PolydevError('host_lacks', `The lock ${file} cannot be taken: ${taken.stderr}`);
    return await work(lock);
  } finally {
    closeSync(lock);
  }
}
