/** The folder of golden images: `<hash>/`, `base-<hash>/`, and `current`, a link to the last good one. */

import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { idShift } from '@polydev/protocol';
import { underLock } from './build-lock.ts';

/** `image.json` beside each `rootfs`. */
export interface ImageFacts {
  hash: string;
  /** Hash of the slow layer it stands on. */
  base: string;
  /** Milliseconds since 1970. */
  builtAtMs: number;
  /** On disk, shared files included. */
  bytes: number;
  /** Tool → version. */
  tools: Record<string, string>;
  /** Uid and gid of the sandbox's root on the host. */
  idShift: number;
}

export interface Image extends ImageFacts {
  dir: string;
  rootfs: string;
  /** The last that was built and verified. */
  current: boolean;
}

export const lockFile = (cacheDir: string) => join(cacheDir, '.lock');
export const imageDir = (cacheDir: string, hash: string) => join(cacheDir, hash);
export const baseDir = (cacheDir: string, hash: string) => join(cacheDir, `base-${hash}`);

/** Root's alone: the owners of what is in an image are of no account on the host, and setuid files are among them. */
export function openCache(cacheDir: string): void {
  mkdirSync(cacheDir, { recursive: true, mode: 0o700 });
  chmodSync(cacheDir, 0o700);
}

/** Newest first. */
export function listImages(cacheDir: string): Image[] {
  const names = existsSync(cacheDir) ? readdirSync(cacheDir) : [];
  const images = names.filter((name) => /^[a-f0-9]{64}$/.test(name)).flatMap((hash) => findImage(cacheDir, hash) ?? []);
  return images.sort((a, b) => b.builtAtMs - a.builtAtMs);
}

export function findImage(cacheDir: string, hash: string): Image | undefined {
  const dir = imageDir(cacheDir, hash);
  const file = join(dir, 'image.json');
  if (!existsSync(file)) return undefined;
  const facts: ImageFacts = JSON.parse(readFileSync(file, 'utf8'));
  // Made for another range of ids: no sandbox could run from it.
  if (facts.idShift !== idShift) return undefined;
  return { ...facts, dir, rootfs: join(dir, 'rootfs'), current: currentName(cacheDir) === hash };
}

/** The last good image, whatever the recipe says now. */
export function lastGoodImage(cacheDir: string): Image | undefined {
  const hash = currentName(cacheDir);
  return hash === undefined ? undefined : findImage(cacheDir, hash);
}

export function makeCurrent(cacheDir: string, hash: string): void {
  const next = join(cacheDir, `.building-current-${process.pid}`);
  rmSync(next, { force: true });
  symlinkSync(hash, next);
  renameSync(next, join(cacheDir, 'current'));
}

/**
 * Deletes images that are neither current, nor in `keep`, nor under a running sandbox, and the layers nobody stands on.
 * Answers what went. `mounts` is in the format of /proc/mounts.
 */
export async function gcImages(
  cacheDir: string,
  keep: readonly string[] = [],
  mounts = readFileSync('/proc/mounts', 'utf8'),
): Promise<string[]> {
  openCache(cacheDir);
  return underLock(
    lockFile(cacheDir),
    () => undefined,
    async () => {
      const images = listImages(cacheDir);
      const kept = images.filter((image) => image.current || keep.includes(image.hash));
      const keptNames = new Set(kept.flatMap((image) => [image.hash, `base-${image.base}`]));
      const used = lowerLayers(mounts);
      const doomed = readdirSync(cacheDir).filter(
        (name) =>
          /^(base-)?[a-f0-9]{64}$/.test(name) && !keptNames.has(name) && !used.has(join(cacheDir, name, 'rootfs')),
      );
      for (const name of doomed) removeTree(cacheDir, name);
      sweep(cacheDir);
      return doomed;
    },
  );
}

/** Removes what dead builds left. Only under the lock: then every such folder belongs to a dead one. */
export function sweep(cacheDir: string): void {
  for (const name of readdirSync(cacheDir)) {
    if (name.startsWith('.building-')) rmSync(join(cacheDir, name), { recursive: true, force: true });
  }
}

/** Renamed first, so that a half-deleted image is never taken for a whole one. */
export function removeTree(cacheDir: string, name: string): void {
  const doomed = join(cacheDir, `.building-removed-${name}`);
  renameSync(join(cacheDir, name), doomed);
  rmSync(doomed, { recursive: true, force: true });
}

/** Bytes on disk; a file with several names counts once. */
export function treeBytes(root: string, seen = new Set<number>()): number {
  const stat = lstatSync(root);
  if (stat.nlink > 1 && !stat.isDirectory()) {
    if (seen.has(stat.ino)) return 0;
    seen.add(stat.ino);
  }
  const own = stat.blocks * 512;
  if (!stat.isDirectory()) return own;
  return readdirSync(root).reduce((sum, name) => sum + treeBytes(join(root, name), seen), own);
}

/** What overlay mounts stand on. */
function lowerLayers(mounts: string): Set<string> {
  const options = mounts.split('\n').map((line) => line.split(' ')[3] ?? '');
  return new Set(options.flatMap((all) => /(?:^|,)lowerdir=([^,]*)/.exec(all)?.[1]?.split(':') ?? []));
}

function currentName(cacheDir: string): string | undefined {
  try {
    return readlinkSync(join(cacheDir, 'current'));
  } catch {
    return undefined;
  }
}
