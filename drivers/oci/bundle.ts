/** The config.json that runc makes a sandbox from (OCI runtime specification 1.0.2). Pure. */

import { idCount, idShift, type SandboxSpec } from '@polydev/protocol';
import { type CgroupLayout, groupPath } from './cgroup-layout.ts';
import { type Seccomp, seccompFor } from './seccomp.ts';

export interface HostTraits {
  cgroups: CgroupLayout;
  /** The kernel can keep a group out of swap. */
  swapControl: boolean;
  ipv6: boolean;
  arch: NodeJS.Architecture;
}

interface OciMount {
  destination: string;
  type: string;
  source: string;
  options: string[];
}

export interface OciConfig {
  ociVersion: string;
  hostname: string;
  process: {
    terminal: boolean;
    user: { uid: number; gid: number };
    cwd: string;
    args: string[];
    env: string[];
    capabilities: Record<'bounding' | 'effective' | 'permitted', readonly string[]>;
    noNewPrivileges: boolean;
  };
  root: { path: string; readonly: boolean };
  mounts: OciMount[];
  linux: {
    cgroupsPath: string;
    namespaces: { type: string }[];
    uidMappings: IdMapping[];
    gidMappings: IdMapping[];
    sysctl: Record<string, string>;
    resources: {
      devices: { allow: boolean; access: string }[];
      memory: { limit: number; swap?: number };
      cpu: { quota: number; period: number };
      pids: { limit: number };
    };
    maskedPaths: readonly string[];
    readonlyPaths: readonly string[];
    seccomp: Seccomp;
  };
}

interface IdMapping {
  containerID: number;
  hostID: number;
  size: number;
}

/** Enough for systemd to start units as other users and for root to keep order among files and processes. */
export const capabilities = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETPCAP',
  'CAP_SETUID',
] as const;

const maskedPaths = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
  '/sys/fs/selinux',
] as const;

const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'] as const;

/** Beside what the memory limit leaves: these hold sockets, pid files and logs of one boot. */
const runMiB = 64;
const lockMiB = 5;
const shmMiB = 512;
const bytesPerMiB = 1024 * 1024;
const cpuPeriodUs = 100_000;

export function configOf(
  spec: Pick<SandboxSpec, 'id' | 'profile' | 'limits'>,
  rootfs: string,
  instance: string,
  host: HostTraits,
): OciConfig {
  const { limits } = spec;
  const memory = limits.memoryMiB * bytesPerMiB;
  const shifted: IdMapping[] = [{ containerID: 0, hostID: idShift, size: idCount }];
  return {
    ociVersion: '1.0.2',
    hostname: 'polydev',
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      cwd: '/',
      args: ['/sbin/init', `--unit=polydev-${spec.profile}.target`],
      env: ['container=oci', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=dumb'],
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      noNewPrivileges: true,
    },
    root: { path: rootfs, readonly: false },
    mounts: mountsOf(limits.homeMiB),
    linux: {
      cgroupsPath: groupPath(instance, spec.id),
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount', 'user', 'cgroup'].map((type) => ({ type })),
      uidMappings: shifted,
      gidMappings: shifted,
      sysctl: { ...shortQueues, ...(host.ipv6 ? noIpv6 : {}) },
      resources: {
        devices: [{ allow: false, access: 'rwm' }], // runc adds the harmless ones: null, zero, random, tty, …
        // Memory and swap together are as much as memory alone: what a sandbox holds is never swapped to a disk.
        memory: { limit: memory, ...(host.swapControl ? { swap: memory } : {}) },
        cpu: { quota: Math.round(limits.cpus * cpuPeriodUs), period: cpuPeriodUs },
        pids: { limit: limits.processes },
      },
      maskedPaths,
      readonlyPaths,
      seccomp: seccompFor(host.arch),
    },
  };
}

/**
 * Smallest, first and largest send buffer of a TCP connection. Who reads sits on this host, a few microseconds away: more
 * than this on the way makes nothing faster, pushes it out of the CPU's caches and lets a key press wait behind it.
 */
const shortQueues = { 'net.ipv4.tcp_wmem': '4096 16384 262144' };
const noIpv6 = Object.fromEntries(['all', 'default', 'lo'].map((name) => [`net.ipv6.conf.${name}.disable_ipv6`, '1']));

function mountsOf(homeMiB: number): OciMount[] {
  const tmpfs = (destination: string, mode: string, sizeMiB: number, ...more: string[]): OciMount => ({
    destination,
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'nodev', `mode=${mode}`, `size=${sizeMiB}m`, ...more],
  });
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'noexec', 'strictatime', 'mode=755', 'size=64k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
    // Writable, so that systemd can order its own group; the cgroup namespace shows it nothing else.
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: ['nosuid', 'noexec', 'nodev', 'relatime', 'rw'],
    },
    tmpfs('/dev/shm', '1777', shmMiB, 'noexec'),
    tmpfs('/run', '755', runMiB),
    tmpfs('/run/lock', '1777', lockMiB, 'noexec'), // systemd would mount it and may not
    tmpfs('/tmp', '1777', homeMiB),
    tmpfs('/home', '755', homeMiB),
  ];
}
