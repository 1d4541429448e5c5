/** What the driver needs of a host, each tried rather than assumed, and what to do where it is missing. */

import { type Finding, idCount, idShift } from '@polydev/protocol';
import { run } from '../exec.ts';
import { shortOnHost } from './file-watchers.ts';
import { findProgram, type Host, hasSwap } from './host.ts';
import { overlapping } from './subordinate-ids.ts';

export async function preflight(host: Host): Promise<Finding[]> {
  return Promise.all([
    rights(),
    cgroups(host),
    swap(host),
    ...['runc', 'conmon'].map((name) => program(name, name)),
    program('ip', 'iproute2'),
    program('nft', 'nftables'),
    program('nsenter', 'util-linux'),
    trial('user namespaces', ['unshare', '--user', '--map-root-user', 'true'], {
      remedy: 'Allow user namespaces: sysctl user.max_user_namespaces must be above 0.',
    }),
    trial('firewall', ['nft', '--check', 'add table inet polydev_preflight'], {
      remedy: 'Load the kernel module nf_tables.',
    }),
    trial('overlay file system', overlayTrial, { remedy: 'Load the kernel module overlay.' }),
    userIds(),
    fileWatchers(),
  ]);
}

/** Constant text: mounts in a namespace of its own, so nothing is left. */
const overlayTrial = [
  ...['unshare', '--mount', 'sh', '-ec'],
  'mount -t tmpfs tmpfs /mnt; mkdir /mnt/l /mnt/u /mnt/w /mnt/m; mount -t overlay overlay -o lowerdir=/mnt/l,upperdir=/mnt/u,workdir=/mnt/w /mnt/m',
];

function rights(): Finding {
  const root = process.getuid?.() === 0;
  return {
    name: 'root',
    ok: root,
    needed: true,
    found: root ? 'runs as root' : 'does not run as root',
    remedy: 'Start it as root.',
  };
}

function cgroups(host: Host): Finding {
  const version = host.traits?.cgroups.version;
  return {
    name: 'control groups',
    ok: version !== undefined,
    needed: true,
    found:
      version === 'v2' ? 'version 2' : version === 'hybrid' ? 'version 1 with the unified hierarchy' : 'none to use',
    remedy: 'Mount control groups version 2 at /sys/fs/cgroup, as systemd does by default.',
  };
}

async function swap(host: Host): Promise<Finding> {
  const active = await hasSwap();
  const control = host.traits?.swapControl ?? false;
  return {
    name: 'no credential in swap',
    ok: !active || control,
    needed: true,
    found: !active ? 'no swap' : control ? 'sandboxes are kept out of swap' : 'swap without control over who uses it',
    remedy: 'Switch swap off (swapoff -a), or boot with swapaccount=1.',
  };
}

async function program(name: string, debianPackage: string): Promise<Finding> {
  const file = await findProgram(name);
  return {
    name,
    ok: file !== undefined,
    needed: true,
    found: file ?? 'not installed',
    remedy: `Install the package ${debianPackage}.`,
  };
}

async function trial(name: string, argv: readonly string[], options: { remedy: string }): Promise<Finding> {
  const failure = await run(argv).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  return { name, ok: failure === undefined, needed: true, found: failure ?? 'works', remedy: options.remedy };
}

async function userIds(): Promise<Finding> {
  const taken = await overlapping();
  return {
    name: 'user ids of sandboxes',
    ok: taken.length === 0,
    needed: true,
    found: taken.length === 0 ? `${idShift} and up, nobody else's` : `given away in ${taken.join(', ')}`,
    remedy: `Give that account other subordinate ids; ${idShift} to ${idShift + idCount - 1} are those of sandboxes.`,
  };
}

/** hostd raises them when it starts, so a host that has not seen it yet is told of the wish, not of a fault. */
async function fileWatchers(): Promise<Finding> {
  const short = await shortOnHost();
  return {
    name: 'file watchers',
    ok: short.length === 0,
    needed: false,
    found: short.length === 0 ? 'enough' : short.map(({ file, found }) => `${file} says ${found}`).join(', '),
    remedy: `The host service raises them, if it may: ${short.map(({ file, onHost }) => `${onHost} into ${file}`).join(', ')}`,
  };
}
