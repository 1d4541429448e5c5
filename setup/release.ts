/**
 * A release: a root-owned, world-readable copy of the code that runs, and of the Node that runs it. So the controller
 * can run as a user who may not read the checkout, and nobody who may write to the checkout can change what root runs.
 */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, lstat, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from './paths.ts';

const run = promisify(execFile);

/** Folders of the checkout that hostd, the controller and a demo's stand-ins are made of. */
const runtimeFolders = ['protocol', 'providers', 'drivers', 'hostd', 'vault', 'controller', 'doubles', 'web/dist'];
const runtimeFiles = ['package.json', 'package-lock.json'];
/** Older releases kept for a process that still runs from one. */
const kept = 2;
/** One that another start makes; after so long, one that was broken off. */
const building = '.building-';
const buildingAtMostMs = 3_600_000;

interface LockEntry {
  dev?: boolean;
  devOptional?: boolean;
  link?: boolean;
  resolved?: string;
}

/** Makes the release of this checkout unless it is there. Returns its folder. */
export async function ensureRelease(releases: string): Promise<{ dir: string; fresh: boolean }> {
  const hash = await releaseHash();
  const dir = join(releases, hash);
  if (await exists(dir)) return { dir, fresh: false };

  const half = join(releases, `${building}${process.pid}`);
  try {
    await mkdir(half, { recursive: true, mode: 0o755 });
    for (const path of [...runtimeFolders, ...runtimeFiles]) await copySources(path, half);
    // Some ten thousand small files: two programs are ten times faster here than as many calls.
    const copy = ['-a', '--no-preserve=ownership', '--parents', ...(await runtimePackages()), half];
    await run('cp', copy, { cwd: projectRoot });
    await run('chmod', ['-R', 'u+rwX,go+rX,go-w', half]); // the checkout may have a strict umask
    // Another start may have been faster.
    await rename(half, dir).catch(async (error) => {
      if (!(await exists(dir))) throw error;
    });
  } finally {
    await rm(half, { recursive: true, force: true });
  }
  await removeOld(releases, hash);
  return { dir, fresh: true };
}

export function nodeOf(release: string): string {
  const architecture = process.arch === 'arm64' ? 'arm64' : 'x64';
  return join(release, 'node_modules', `node-linux-${architecture}`, 'bin/node');
}

async function releaseHash(): Promise<string> {
  const hash = createHash('sha256');
  for (const path of runtimeFiles) hash.update(await readFile(join(projectRoot, path)));
  for (const folder of runtimeFolders) {
    const entries = await readdir(join(projectRoot, folder), { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    for (const file of files.sort()) {
      const path = relative(projectRoot, file);
      if (isRuntimeFile(path)) hash.update(`\0${path}\0`).update(await readFile(file));
    }
  }
  return hash.digest('hex').slice(0, 16);
}

function isRuntimeFile(path: string): boolean {
  return !/\.test\.ts$|(^|\/)(tests|testing|node_modules)(\/|$)/.test(path);
}

/** What package-lock.json does not mark as for development is what runs. */
async function runtimePackages(): Promise<string[]> {
  const lock = JSON.parse(await readFile(join(projectRoot, 'package-lock.json'), 'utf8'));
  const packages: Record<string, LockEntry> = lock.packages;
  const paths = Object.entries(packages)
    .filter(([path, entry]) => path.startsWith('node_modules/') && !entry.dev && !entry.devOptional)
    .filter(([, entry]) => !entry.link || runtimeFolders.includes(entry.resolved ?? ''))
    .map(([path]) => path)
    // A nested package comes with the one it stands in.
    .filter((path) => path.indexOf('/node_modules/', 1) === -1);
  const present = await Promise.all(paths.map((path) => exists(join(projectRoot, path))));
  return paths.filter((_, index) => present[index]);
}

async function copySources(path: string, target: string): Promise<void> {
  await cp(join(projectRoot, path), join(target, path), {
    recursive: true,
    filter: (source) => isRuntimeFile(relative(projectRoot, source)),
  });
}

async function removeOld(releases: string, current: string): Promise<void> {
  const names = (await readdir(releases)).filter((name) => name !== current);
  const aged = await Promise.all(
    names.map(async (name) => ({ name, atMs: (await stat(join(releases, name)).catch(() => null))?.mtimeMs ?? 0 })),
  );
  const isBeingMade = ({ name, atMs }: { name: string; atMs: number }) =>
    name.startsWith(building) && Date.now() - atMs < buildingAtMostMs;
  const old = aged
    .filter((release) => !isBeingMade(release))
    .sort((a, b) => b.atMs - a.atMs)
    .slice(kept - 1);
  for (const { name } of old) await rm(join(releases, name), { recursive: true, force: true });
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}
