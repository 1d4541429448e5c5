/** Builds the golden image beside the ones in use, verifies it, and only then gives it its name. */

import { existsSync, mkdirSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { idShift, PolydevError } from '@polydev/protocol';
import { bundleAgent } from './agent-bundle.ts';
import { type BaseOptions, buildBase } from './base.ts';
import { underLock } from './build-lock.ts';
import { runCommand } from './host-command.ts';
import { buildLayer } from './layer.ts';
import type { OnProgress } from './progress.ts';
import { hashBase, hashImage, type Recipe, readRecipe } from './recipe.ts';
import {
  baseDir,
  findImage,
  type Image,
  imageDir,
  lockFile,
  makeCurrent,
  openCache,
  sweep,
  treeBytes,
} from './store.ts';
import { verifyImage } from './verify/verify.ts';

export interface BuildOptions {
  cacheDir: string;
  /** Address of a Debian archive to use instead of the host's apt sources. */
  mirror?: string;
  onProgress?: OnProgress;
  recipe?: Recipe;
  /** Source of the agent. */
  agentEntry?: string;
}

/** Free bytes a build from nothing needs, and one that finds its slow layer. */
const fullBuildBytes = 4 * 1024 ** 3;
const layerBuildBytes = 256 * 1024 ** 2;

/** Answers at once when the image is there already. */
export async function buildImage(options: BuildOptions): Promise<Image> {
  const { cacheDir, onProgress = () => undefined, recipe = readRecipe() } = options;
  const agent = await bundleAgent(options.agentEntry);
  const hash = hashImage(recipe, agent);
  const found = findImage(cacheDir, hash);
  if (found?.current) return found;
  checkHost();
  openCache(cacheDir);
  return underLock(
    lockFile(cacheDir),
    () => onProgress({ step: 'waiting' }),
    async (lock) => {
      sweep(cacheDir);
      if (!findImage(cacheDir, hash)) {
        const base = await ensureBase(recipe, cacheDir, { mirror: options.mirror, onProgress, lock });
        await makeImage({ recipe, cacheDir, base, hash, agent, onProgress });
      }
      makeCurrent(cacheDir, hash);
      const image = findImage(cacheDir, hash);
      if (!image) throw new PolydevError('image_broken', 'The image that was just built is not there.');
      return image;
    },
  );
}

async function ensureBase(recipe: Recipe, cacheDir: string, options: BaseOptions): Promise<string> {
  const base = hashBase(recipe);
  const dir = baseDir(cacheDir, base);
  const missing = !existsSync(dir);
  checkSpace(cacheDir, missing ? fullBuildBytes : layerBuildBytes);
  if (!missing) return base;
  if ((await runCommand(['mmdebstrap', '--version'])).code !== 0) {
    throw new PolydevError('host_lacks', 'mmdebstrap is not installed.');
  }
  const beside = join(cacheDir, `.building-${process.pid}-base`);
  mkdirSync(beside, { mode: 0o700 });
  try {
    await buildBase(recipe, beside, options);
    renameSync(beside, dir);
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
  return base;
}

interface ImageParts {
  recipe: Recipe;
  cacheDir: string;
  base: string;
  hash: string;
  agent: Uint8Array;
  onProgress: OnProgress;
}

async function makeImage({ recipe, cacheDir, base, hash, agent, onProgress }: ImageParts): Promise<void> {
  const beside = join(cacheDir, `.building-${process.pid}`);
  const rootfs = join(beside, 'rootfs');
  mkdirSync(beside, { mode: 0o700 });
  try {
    onProgress({ step: 'files' });
    await buildLayer(recipe, baseDir(cacheDir, base), rootfs, agent);
    onProgress({ step: 'verify' });
    const failures = await verifyImage(rootfs, recipe);
    if (failures.length > 0) {
      const said = failures.map((failure) => failure.sentence).join(' ');
      throw new PolydevError('image_broken', `The new image failed ${failures.length} checks. ${said}`);
    }
    const facts = { hash, base, builtAtMs: Date.now(), bytes: treeBytes(rootfs), tools: toolVersions(recipe), idShift };
    writeFileSync(join(beside, 'image.json'), `${JSON.stringify(facts, null, 2)}\n`);
    renameSync(beside, imageDir(cacheDir, hash));
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
}

function toolVersions(recipe: Recipe): Record<string, string> {
  const names = Object.keys(recipe.lock.packages['']?.dependencies ?? {});
  const all = [...names, `node-linux-${recipe.architecture.node}`];
  return Object.fromEntries(all.map((name) => [name, recipe.lock.packages[`node_modules/${name}`]?.version ?? '']));
}

function checkHost(): void {
  if (process.getuid?.() !== 0) throw new PolydevError('not_root', 'Building the image needs root.');
}

function checkSpace(cacheDir: string, neededBytes: number): void {
  const { bavail, bsize } = statfsSync(cacheDir);
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes) return;
  const gib = (bytes: number) => (bytes / 1024 ** 3).toFixed(1);
  throw new PolydevError(
    'disk_full',
    `The image needs ${gib(neededBytes)} GiB free in ${cacheDir}; there are ${gib(freeBytes)} GiB.`,
    { details: { neededBytes, freeBytes } },
  );
}
