import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { buildImage } from '../build.ts';
import { runCommand } from '../host-command.ts';
import type { BuildProgress } from '../progress.ts';
import { hashBase, readRecipe } from '../recipe.ts';
import { baseDir, lastGoodImage } from '../store.ts';
import { cacheDir as realCache, whyNoImage } from './built-image.ts';
import { scratchFolder, scratchRecipe } from './scratch.ts';

const timeout = 300_000;
const slowLayer = baseDir(realCache, hashBase(readRecipe()));

/** A cache of its own that borrows the slow layer; on the same disk, because layers share files. */
function scratchCache(t: TestContext): string {
  const cacheDir = scratchFolder(t, dirname(realCache));
  symlinkSync(slowLayer, baseDir(cacheDir, hashBase(readRecipe())));
  return cacheDir;
}

function images(cacheDir: string): string[] {
  return readdirSync(cacheDir).filter((name) => !name.startsWith('base-') && name !== '.lock' && name !== 'current');
}

const noLayer = existsSync(slowLayer) ? false : 'the slow layer of this checkout has not been built';

describe('a build', { skip: whyNoImage() || noLayer }, () => {
  test('whose image fails its checks leaves the last good image in use, and nothing half-made', {
    timeout,
  }, async (t) => {
    const cacheDir = scratchCache(t);
    const good = await buildImage({ cacheDir });
    const spoiled = scratchRecipe(t);
    rmSync(join(spoiled, 'files/usr/bin/xdg-open'));
    await assert.rejects(buildImage({ cacheDir, recipe: readRecipe(spoiled) }), {
      code: 'image_broken',
      message: /xdg-open does not lead to the opener/,
    });
    assert.equal(lastGoodImage(cacheDir)?.hash, good.hash);
    assert.deepEqual(images(cacheDir), [good.hash]);
  });

  test('that is there already is not repeated, and two at once share one', { timeout }, async (t) => {
    const cacheDir = scratchCache(t);
    const steps: BuildProgress['step'][] = [];
    const onProgress = ({ step }: BuildProgress) => void steps.push(step);
    const [one, two] = await Promise.all([buildImage({ cacheDir, onProgress }), buildImage({ cacheDir, onProgress })]);
    const three = await buildImage({ cacheDir, onProgress });
    assert.deepEqual([two, three], [one, one]);
    assert.deepEqual([...steps].sort(), ['files', 'verify', 'waiting']);
  });

  test('sweeps what a killed build left', { timeout }, async (t) => {
    const cacheDir = scratchCache(t);
    mkdirSync(join(cacheDir, '.building-1', 'rootfs', 'etc'), { recursive: true });
    const { hash } = await buildImage({ cacheDir });
    assert.deepEqual(images(cacheDir), [hash]);
  });

  test('without root says so', { timeout }, async (t) => {
    t.mock.method(process as Required<Pick<NodeJS.Process, 'getuid'>>, 'getuid', () => 1000);
    await assert.rejects(buildImage({ cacheDir: scratchFolder(t) }), { code: 'not_root' });
  });

  test('without mmdebstrap says so', { timeout }, async (t) => {
    const bin = scratchFolder(t);
    symlinkSync('/usr/bin/flock', join(bin, 'flock'));
    const path = process.env.PATH;
    process.env.PATH = bin;
    t.after(() => {
      process.env.PATH = path;
    });
    await assert.rejects(buildImage({ cacheDir: scratchFolder(t) }), { code: 'host_lacks', message: /mmdebstrap/ });
  });

  test('on a small disk says how much it needs, before it begins', { timeout }, async (t) => {
    const disk = scratchFolder(t);
    // Unmounted before the folder under it is removed.
    await runCommand(['mount', '-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', disk]);
    try {
      await assert.rejects(buildImage({ cacheDir: disk }), {
        code: 'disk_full',
        message: /needs 4\.0 GiB .* 0\.1 GiB/,
      });
      assert.deepEqual(images(disk), []);
    } finally {
      await runCommand(['umount', disk]);
    }
  });

  test('without a way to the Debian archive says so, and leaves nothing half-made', { timeout }, async (t) => {
    const cacheDir = scratchFolder(t);
    // Port 1 of this machine: refused at once.
    await assert.rejects(buildImage({ cacheDir, mirror: 'http://127.0.0.1:1/debian' }), { code: 'no_network' });
    assert.deepEqual(images(cacheDir), []);
  });
});
