/** A disk of a product on which nothing more fits. For one with a disk of its own (`dataMiB`). */

import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { HostPaths } from '../setup/paths.ts';

export interface Ballast {
  /** At once: the rest is small. */
  fill(): void;
  /** There is room again. */
  empty(): void;
}

/** What the product may still write until then. */
const restMiB = 4;
const mib = 1024 ** 2;
const block = Buffer.alloc(64 * 1024);

export function almostFill(paths: HostPaths): Ballast {
  const path = join(paths.controller, 'ballast');
  const { bavail, bsize } = statfsSync(paths.controller);
  execFileSync('fallocate', ['-l', String(Math.max(mib, bavail * bsize - restMiB * mib)), path]);
  return {
    fill() {
      const file = openSync(path, 'a');
      try {
        for (;;) writeSync(file, block);
      } catch {
        // That there is no more room is the point.
      } finally {
        closeSync(file);
      }
    },
    empty: () => rmSync(path),
  };
}
