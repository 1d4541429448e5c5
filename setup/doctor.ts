/** `./polydev doctor [--json]`: what this host can do for Polydev, and what to do about what it cannot. */

import { existsSync } from 'node:fs';
import { readFile, statfs } from 'node:fs/promises';
import { availableParallelism, release, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { findHost } from '@polydev/drivers/oci/host';
import { preflight } from '@polydev/drivers/oci/preflight';
import { hostSources } from '@polydev/image/sources';
import { lastGoodImage } from '@polydev/image/store';
import type { Finding } from '@polydev/protocol';
import { defaultHome, hostPaths, nearestFolder } from './paths.ts';
import { hostPackages, missingPackages } from './system-packages.ts';

const GiB = 1024 ** 3;
const neededMemoryGiB = 3;
const neededDiskGiB = 6;

export async function doctor(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { json: { type: 'boolean', default: false } } });
  const own = await Promise.all(checks.map((check) => check()));
  const findings = [...own, ...(await preflight(await findHost()))];
  const ok = findings.every((finding) => finding.ok || !finding.needed);
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ ok, findings }, null, 2)}\n`);
  } else {
    for (const { name, ok: good, needed, found, remedy } of findings) {
      process.stdout.write(`${good ? '✓' : needed ? '✗' : '!'} ${name.padEnd(18)} ${found}\n`);
      if (!good && remedy) process.stdout.write(`  ${' '.repeat(18)} → ${remedy}\n`);
    }
    process.stdout.write(ok ? '\nThis host can run Polydev.\n' : '\nThis host cannot run Polydev yet.\n');
  }
  return ok ? 0 : 1;
}

/** Beside what the driver of the sandboxes says it needs. */
const checks: readonly (() => Promise<Finding>)[] = [
  async () => {
    const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
    const name = /^PRETTY_NAME="?([^"\n]*)/m.exec(text)?.[1] ?? 'unknown';
    return {
      name: 'system',
      needed: true,
      ok: /^ID(_LIKE)?=.*debian/m.test(text),
      found: `${name}, kernel ${release()}, ${process.arch}`,
      remedy: 'Use Debian, or another system made from it.',
    };
  },
  async () => {
    const missing = await missingPackages(hostPackages).catch(() => Object.keys(hostPackages));
    return {
      name: 'system packages',
      needed: false,
      ok: missing.length === 0,
      found: missing.length === 0 ? 'all there' : `missing: ${missing.join(', ')}`,
      remedy: '`npm start` installs them.',
    };
  },
  async () => {
    const image = lastGoodImage(hostPaths(defaultHome).images);
    const sources = image
      ? 'not needed now'
      : await hostSources().then(
          ({ suite }) => suite,
          () => undefined,
        );
    return {
      name: 'Debian archive',
      needed: true,
      ok: sources !== undefined,
      found: sources ?? "none in this host's apt sources",
      remedy: 'Name one: `npm start -- --mirror ADDRESS`.',
    };
  },
  async () => ({
    name: 'KVM',
    needed: false,
    ok: existsSync('/dev/kvm'),
    found: existsSync('/dev/kvm') ? '/dev/kvm is there; whether it boots a guest is not known' : 'no',
    remedy: 'Not needed: sandboxes are containers. Micro virtual machines would need it.',
  }),
  async () => {
    const memoryGiB = totalmem() / GiB;
    return {
      name: 'memory',
      needed: true,
      ok: memoryGiB >= neededMemoryGiB,
      found: `${memoryGiB.toFixed(1)} GiB, ${availableParallelism()} cores`,
      remedy: `A desktop uses about 0.4 GiB, and more while it is used; have ${neededMemoryGiB} GiB or more.`,
    };
  },
  async () => {
    const { home, images } = hostPaths(defaultHome);
    const { bavail, bsize } = await statfs(nearestFolder(images));
    const freeGiB = (bavail * bsize) / GiB;
    return {
      name: 'disk',
      needed: true,
      ok: freeGiB >= neededDiskGiB || lastGoodImage(images) !== undefined,
      found: `${freeGiB.toFixed(1)} GiB free; data in ${home}, images in ${images}`,
      remedy: `Free at least ${neededDiskGiB} GiB to build the golden image.`,
    };
  },
  async () => {
    const image = lastGoodImage(hostPaths(defaultHome).images);
    return {
      name: 'golden image',
      needed: false,
      ok: image !== undefined,
      found: image ? `${image.hash.slice(0, 12)}, ${(image.bytes / 1e9).toFixed(1)} GB` : 'not built yet',
      remedy: '`npm start` builds it, in a few minutes.',
    };
  },
];
