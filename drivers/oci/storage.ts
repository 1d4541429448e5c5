/**
 * A sandbox's root file system: the golden image, read-only, under an upper layer on a tmpfs of the sandbox's own.
 * What a sandbox writes reaches no disk of the host, and when it fills its space only itself is out of space.
 */

import { existsSync } from 'node:fs';
import { chown, mkdir, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { idShift } from '@polydev/protocol';
import { isMissing } from '../journal.ts';
import { mount, mountsUnder, unmountAll } from '../mounts.ts';
import type { Resource } from '../resources.ts';
import type { Places } from './places.ts';

/** Small files use up inodes before they use up space; each costs kernel memory. */
const inodesPerMiB = 64;

export function storageOf(places: Places): Resource {
  const { folder } = places;
  return {
    name: `tmpfs ${folder}`,
    async acquire({ limits }) {
      await mkdir(folder, { recursive: true, mode: 0o711 });
      const size = [`size=${limits.diskMiB}m`, `nr_inodes=${limits.diskMiB * inodesPerMiB}`];
      await mount('tmpfs', 'polydev', folder, ['mode=0711', 'nodev', 'nosuid', ...size]);
    },
    async release() {
      await unmountAll(folder);
      await rmdir(folder).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
    },
    async remains() {
      const mounts = (await mountsUnder(folder)).map((target) => `mount ${target}`);
      return existsSync(folder) ? [...mounts, `folder ${folder}`] : mounts;
    },
  };
}

export function rootfsOf(places: Places, lower: string): Resource {
  return {
    name: `overlay ${places.rootfs}`,
    async acquire({ token }) {
      await mkdir(places.upper, { mode: 0o755 });
      await chown(places.upper, idShift, idShift);
      await mkdir(places.work, { mode: 0o700 });
      await mkdir(places.rootfs, { mode: 0o755 });
      await writeBootFacts(places.upper, token);
      const layers = [`lowerdir=${lower}`, `upperdir=${places.upper}`, `workdir=${places.work}`];
      await mount('overlay', 'polydev', places.rootfs, ['nodev', 'nosuid', ...layers]);
    },
    async release() {
      await unmountAll(places.rootfs);
    },
    async remains() {
      return (await mountsUnder(places.rootfs)).map((target) => `mount ${target}`);
    },
  };
}

/** Only root in the sandbox may read them, so the tools cannot. */
async function writeBootFacts(upper: string, token: string): Promise<void> {
  const file = join(upper, 'etc/polydev/boot.json');
  for (const folder of [dirname(dirname(file)), dirname(file)]) {
    await mkdir(folder, { mode: 0o755 });
    await chown(folder, idShift, idShift);
  }
  await writeFile(file, `${JSON.stringify({ v: 1, token })}\n`, { mode: 0o600 });
  await chown(file, idShift, idShift);
}
