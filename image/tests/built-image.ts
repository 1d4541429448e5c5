/** The image that this machine has, for tests that need a real one. */

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { runCommand } from '../host-command.ts';
import { type Image, lastGoodImage } from '../store.ts';

/** Where `./polydev image build` puts images. */
export const cacheDir = '/var/cache/polydev/images';

export function builtImage(): Image {
  const image = lastGoodImage(cacheDir);
  if (!image) throw new Error(`no image in ${cacheDir}`);
  return image;
}

export function whyNoImage(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  return existsSync(join(cacheDir, 'current', 'image.json')) ? false : 'no golden image has been built';
}

/** The image as a folder that may be spoiled: an overlay over the real one. */
export async function spoilable(t: TestContext, rootfs: string): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), '.polydev-image-test-'));
  const [upper, work, merged] = ['upper', 'work', 'merged'].map((name) => join(dir, name)) as [string, string, string];
  t.after(async () => {
    await must(['umount', merged]);
    rmSync(dir, { recursive: true });
  });
  await must(['mkdir', upper, work, merged]);
  // Owned as the image's root is, so that the merged root is too.
  await must(['chown', '--reference', rootfs, upper]);
  await must([
    'mount',
    '-t',
    'overlay',
    'overlay',
    '-o',
    `lowerdir=${rootfs},upperdir=${upper},workdir=${work}`,
    merged,
  ]);

  return merged;
}

async function must(argv: string[]): Promise<void> {
  const result = await runCommand(argv);
  if (result.code !== 0) throw new Error(`${argv.join(' ')}: ${result.stderr}`);
}
