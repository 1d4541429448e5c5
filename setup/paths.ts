/** Where things are on the host. */

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The unprivileged user that everything reachable by a network runs as. */
export const serviceUser = 'polydev';

export const projectRoot = dirname(dirname(fileURLToPath(import.meta.url)));

export interface HostPaths {
  /** Data folder; holds everything that must outlive a restart. */
  home: string;
  releases: string;
  journal: string;
  /** The controller's own folder: database, master key. */
  controller: string;
  images: string;
  /** Sockets and sandboxes; gone after a reboot. */
  run: string;
  hostdSocket: string;
  /** Tells several data folders on one machine apart: in link names, firewall tables, cgroups. */
  instance: string;
  /** Where sandboxes find the egress gateway; they themselves are in the /22 around it. */
  gatewayAddress: string;
}

/** On the machines that decide whether a change lands. */
export const forbidSkips = process.env.CI === 'true';

export const defaultHome = process.env.POLYDEV_HOME ?? '/var/lib/polydev';

/** Blocks of 1024 addresses in 100.64.0.0/10, the range that no network outside a provider uses. The last is the main one's. */
const blocks = 4096;

export function hostPaths(home: string): HostPaths {
  const absolute = resolve(home);
  const digest = createHash('sha256').update(absolute).digest();
  const isMain = absolute === '/var/lib/polydev';
  const instance = isMain ? 'main' : `i${digest.toString('hex').slice(0, 6)}`;
  const block = isMain ? blocks - 1 : digest.readUInt32BE(4) % (blocks - 1);
  const run = join('/run/polydev', instance);
  return {
    home: absolute,
    releases: join(absolute, 'releases'),
    journal: join(absolute, 'journal'),
    controller: join(absolute, 'controller'),
    images: process.env.POLYDEV_IMAGES ?? '/var/cache/polydev/images',
    run,
    hostdSocket: join(run, 'hostd.sock'),
    instance,
    gatewayAddress: `100.${64 + (block >> 6)}.${(block & 63) * 4 + 3}.1`,
  };
}

/** The folder itself, or the nearest one above it that exists. */
export function nearestFolder(path: string): string {
  return existsSync(path) ? path : nearestFolder(dirname(path));
}
