/** `./polydev doctor [--json]`: what this host can do for Polydev, and what to do about what it cannot. */

import { existsSync } from 'node:fs';
import { readFile, statfs } from 'node:fs/promises';
import { availableParallelism, release, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { lastGoodImage } from '@polydev/image/store';
import type { Finding } from '@polydev/protocol';
import { defaultHome, hostPaths, nearestFolder } from './paths.ts';
import { hostPackages, missingPackages } from './system-packages.ts';

const GiB = 1024 ** 3;
const neededMemoryGiB = 3;
const neededDiskGiB = 6;

export async function doctor(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { json: { type: 'boolean', default: false } } });
  const findings = await Promise.all(checks.map((check) => check()));
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

const checks: readonly (() => Promise<Finding>)[] = [
  async () => ({
    name: 'root',
    needed: true,
    ok: process.getuid?.() === 0,
    found: process.getuid?.() === 0 ? 'yes' : 'no',
    remedy: 'Run as root; only the small host service keeps it.',
  }),
  async () => {
    const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
    const name = /^PRETTY_NAME="?([^"\n]*)/m.exec(text)?.[1] ?? 'unknown';
    return {
      name: 'system',
      needed: true,
      ok: /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(text),
      found: `${name}, kernel ${release()}, ${process.arch}`,
      remedy: 'Use Debian or Ubuntu.',
    };
  },
  async () => {
    const missing = await missingPackages(hostPackages).catch(() => Object.keys(hostPackages));
    return {
      name: 'system packages',
      needed: true,
      ok: missing.length === 0,
      found: missing.length === 0 ? 'all there' : `missing: ${missing.join(', ')}`,
      remedy: '`npm start` installs them.',
    };
  },
  async () => {
    const version = cgroupVersion(await readFile('/proc/mounts', 'utf8'));
    return {
      name: 'control groups',
      needed: true,
      ok: version !== 'none',
      found: version,
      remedy: 'Mount the cgroup file system; every current distribution does.',
    };
  },
  async () => {
    const allowed = Number(await readFile('/proc/sys/user/max_user_namespaces', 'utf8').catch(() => '0'));
    return {
      name: 'user namespaces',
      needed: true,
      ok: allowed > 0,
      found: allowed > 0 ? `up to ${allowed}` : 'off',
      remedy: 'Set the sysctl user.max_user_namespaces to 10000 or more.',
    };
  },
  async () => ({
    name: 'overlay files',
    needed: true,
    ok: /\toverlay$/m.test(await readFile('/proc/filesystems', 'utf8')) || existsSync('/sys/module/overlay'),
    found: /\toverlay$/m.test(await readFile('/proc/filesystems', 'utf8')) ? 'yes' : 'not loaded',
    remedy: 'Load the kernel module: modprobe overlay',
  }),
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
      remedy: `A desktop uses about 0.7 GiB; have ${neededMemoryGiB} GiB or more.`,
    };
  },
  async () => {
    const swaps = (await readFile('/proc/swaps', 'utf8').catch(() => '')).trim().split('\n').slice(1);
    const plain = swaps.filter((line) => !/^\/dev\/(dm-|mapper|zram)/.test(line));
    return {
      name: 'swap',
      needed: false,
      ok: plain.length === 0,
      found: swaps.length === 0 ? 'none' : `${swaps.length} in use`,
      remedy: 'What sandboxes keep in memory could reach a disk: turn swap off or encrypt it.',
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
      remedy: '`npm start` builds it, in about four minutes.',
    };
  },
];

/** From the lines of /proc/mounts. */
export function cgroupVersion(mounts: string): string {
  const types = mounts.split('\n').map((line) => line.split(' '));
  const unified = types.some(([, target, type]) => type === 'cgroup2' && target === '/sys/fs/cgroup');
  if (unified) return 'version 2';
  const hybrid = types.some(([, , type]) => type === 'cgroup2');
  const legacy = types.some(([, , type]) => type === 'cgroup');
  if (legacy) return hybrid ? 'version 1, hybrid' : 'version 1';
  return 'none';
}
