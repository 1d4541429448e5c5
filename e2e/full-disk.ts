/** A disk of a product on which nothing more fits. */

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostPaths } from '../setup/paths.ts';

/** The path of what fills it: without that there is room again. For a product with a disk of its own (`dataMiB`). */
export function fillDisk(paths: HostPaths): string {
  const ballast = join(paths.controller, 'ballast');
  writeFileSync(ballast, '');
  try {
    execFileSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=64k'], { stdio: 'ignore' });
  } catch {
    // That it ends for want of room is the point.
  }
  return ballast;
}
