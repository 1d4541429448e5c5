/** `./polydev image build | verify | list | gc`. */

import { parseArgs } from 'node:util';
import { gcImages, lastGoodImage, listImages } from '@polydev/image/store';
import { verifyImage } from '@polydev/image/verify/verify';
import { PolydevError } from '@polydev/protocol';
import { buildGoldenImage } from './host.ts';
import { requireRoot } from './host-checks.ts';
import { defaultHome, hostPaths } from './paths.ts';
import { createProgress } from './progress.ts';

const help = `Usage: ./polydev image COMMAND

  build    build the golden image of this checkout, unless it is there; --mirror ADDRESS takes the packages from
           that Debian archive instead of this host's apt sources
  verify   check the image in use
  list     the images on this machine
  gc       remove all but the image in use and the newest other one
`;

const keptImages = 2;

const commands: Readonly<Record<string, (images: string, mirror: string | undefined) => Promise<number>>> = {
  async build(images, mirror) {
    await createProgress(process.stdout).step('Golden image', (step) => buildGoldenImage(images, step, mirror));
    return 0;
  },

  async verify(images) {
    const image = lastGoodImage(images);
    if (!image) throw new PolydevError('image_missing', `There is no image in ${images}.`);
    const failures = await verifyImage(image.rootfs);
    for (const { sentence } of failures) process.stdout.write(`✗ ${sentence}\n`);
    if (failures.length === 0) process.stdout.write(`✓ ${image.hash.slice(0, 12)} passes every check.\n`);
    return failures.length === 0 ? 0 : 1;
  },

  async list(images) {
    for (const { hash, builtAtMs, bytes, current } of listImages(images)) {
      const when = new Date(builtAtMs).toISOString().slice(0, 16).replace('T', ' ');
      process.stdout.write(
        `${hash.slice(0, 12)}  ${when}  ${(bytes / 1e9).toFixed(1)} GB${current ? '  in use' : ''}\n`,
      );
    }
    return 0;
  },

  async gc(images) {
    const newest = listImages(images).slice(0, keptImages);
    const removed = await gcImages(
      images,
      newest.map(({ hash }) => hash),
    );
    process.stdout.write(
      removed.length === 0
        ? 'Nothing to remove.\n'
        : `Removed ${removed.map((name) => name.slice(0, 20)).join(', ')}.\n`,
    );
    return 0;
  },
};

export async function image(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { mirror: { type: 'string' } } });
  const command = commands[positionals[0] ?? ''];
  if (!command) {
    process.stdout.write(help);
    return positionals.length === 0 ? 0 : 1;
  }
  requireRoot();
  return command(hostPaths(defaultHome).images, values.mirror);
}
