/** What a real driver needs in a test: a name and an address that nobody else on this host uses, and an image. */

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { basename, join } from 'node:path';
import type { Endpoint } from '@polydev/protocol';
import { findProgram } from '../oci/host.ts';
import { type TestImage, tinyImage } from './tiny-image.ts';

const imageCache = '/var/cache/polydev/images';
const testImageCache = '/var/cache/polydev/test-images';

/** Why a test that makes real sandboxes cannot run here. */
export async function whyNoRealSandbox(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'needs root';
  for (const name of ['runc', 'conmon', 'nft', 'ip', 'nsenter']) if (!(await findProgram(name))) return `needs ${name}`;
  return undefined;
}

/** The one in use, where there is one. */
export async function goldenImage(): Promise<TestImage | undefined> {
  const current = join(imageCache, 'current');
  return existsSync(join(current, 'rootfs'))
    ? { images: imageCache, image: basename(await readlink(current)) }
    : undefined;
}

/** Always the tiny one: it stays as it is while golden images come and go. */
export function testImage(): Promise<TestImage> {
  return tinyImage(testImageCache);
}

export function uniqueInstance(): string {
  return `t${randomBytes(4).toString('hex')}`;
}

/** A gateway in a /22 of its own, below those that a real instance uses. */
export function uniqueGateway(): Endpoint {
  const held = new Set(Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address) ?? []));
  for (;;) {
    const [high = 0, low = 0] = randomBytes(2);
    const host = `100.${64 + (high % 62)}.${(low & ~3) + 3}.1`;
    if (!held.has(host)) return { host, port: 3128 };
  }
}
