import assert from 'node:assert/strict';
import { existsSync, linkSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { idShift } from '@polydev/protocol';
import { findImage, gcImages, lastGoodImage, listImages, makeCurrent, treeBytes } from '../store.ts';
import { scratchFolder } from './scratch.ts';

const timeout = 120_000;
const [a, b, c] = ['a', 'b', 'c'].map((letter) => letter.repeat(64)) as [string, string, string];

function addImage(cacheDir: string, hash: string, base: string, builtAtMs: number, shift = idShift): void {
  mkdirSync(join(cacheDir, hash, 'rootfs'), { recursive: true });
  mkdirSync(join(cacheDir, `base-${base}`), { recursive: true });
  const facts = { hash, base, builtAtMs, bytes: 1, tools: {}, idShift: shift };
  writeFileSync(join(cacheDir, hash, 'image.json'), JSON.stringify(facts));
}

test('images are listed newest first, and the last good one is marked', { timeout }, (t) => {
  const cacheDir = scratchFolder(t);
  addImage(cacheDir, a, a, 1);
  addImage(cacheDir, b, a, 2);
  makeCurrent(cacheDir, a);
  assert.deepEqual(
    listImages(cacheDir).map(({ hash, current }) => [hash, current]),
    [
      [b, false],
      [a, true],
    ],
  );
  assert.equal(lastGoodImage(cacheDir)?.rootfs, join(cacheDir, a, 'rootfs'));
});

test('a cache folder that is not there holds no images', { timeout }, (t) => {
  const cacheDir = join(scratchFolder(t), 'missing');
  assert.deepEqual(listImages(cacheDir), []);
  assert.equal(lastGoodImage(cacheDir), undefined);
});

test('a folder without image.json is no image: it was never verified', { timeout }, (t) => {
  const cacheDir = scratchFolder(t);
  mkdirSync(join(cacheDir, a, 'rootfs'), { recursive: true });
  assert.equal(findImage(cacheDir, a), undefined);
  assert.deepEqual(listImages(cacheDir), []);
});

test('gc keeps the current image, what it is told to keep, and the layers under them', { timeout }, async (t) => {
  const cacheDir = scratchFolder(t);
  addImage(cacheDir, a, a, 1);
  addImage(cacheDir, b, b, 2);
  addImage(cacheDir, c, c, 3);
  makeCurrent(cacheDir, a);
  mkdirSync(join(cacheDir, '.building-1-base', 'rootfs'), { recursive: true });
  const removed = await gcImages(cacheDir, [b]);
  assert.deepEqual(removed.sort(), [`base-${c}`, c].sort());
  const left = [a, b, `base-${a}`, `base-${b}`, 'current', '.lock'];
  assert.deepEqual(readdirSync(cacheDir).sort(), left.sort());
  assert.ok(existsSync(join(cacheDir, 'current', 'image.json')));
});

test('gc keeps what running sandboxes stand on', { timeout }, async (t) => {
  const cacheDir = scratchFolder(t);
  addImage(cacheDir, a, a, 1);
  addImage(cacheDir, b, a, 2);
  addImage(cacheDir, c, a, 3);
  makeCurrent(cacheDir, c);
  const mounts = [
    'tmpfs /run tmpfs rw 0 0',
    `polydev /run/x/rootfs overlay rw,lowerdir=${join(cacheDir, a, 'rootfs')},upperdir=/u,workdir=/w 0 0`,
  ];
  assert.deepEqual(await gcImages(cacheDir, [], mounts.join('\n')), [b]);
  assert.deepEqual(await gcImages(cacheDir, []), [a]);
});

test('an image for another range of ids is none', { timeout }, (t) => {
  const cacheDir = scratchFolder(t);
  addImage(cacheDir, a, a, 1, idShift + 1);
  makeCurrent(cacheDir, a);
  assert.equal(lastGoodImage(cacheDir), undefined);
});

test('a file with two names takes its space once', { timeout }, (t) => {
  const dir = scratchFolder(t);
  writeFileSync(join(dir, 'one'), Buffer.alloc(64 * 1024, 1));
  const before = treeBytes(dir);
  linkSync(join(dir, 'one'), join(dir, 'two'));
  assert.equal(treeBytes(dir), before);
});
