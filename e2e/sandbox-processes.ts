/** Processes of one sandbox as the host sees them, to take one away in the middle of its work. */

import { readdirSync, readFileSync } from 'node:fs';
import type { HostPaths } from '../setup/paths.ts';

/** Pids on the host of the sandbox's processes whose command line fits. */
function processesOf(paths: HostPaths, sandboxId: string, command: RegExp): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => read(pid, 'cgroup').includes(`polydev-${paths.instance}/${sandboxId}`))
    .filter((pid) => command.test(read(pid, 'cmdline').replaceAll('\0', ' ')))
    .map(Number);
}

/** Kills what fits as the kernel does when memory is short, and says how many there were. */
export function killIn(paths: HostPaths, sandboxId: string, command: RegExp): number {
  const pids = processesOf(paths, sandboxId, command);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  return pids.length;
}

/** Resident memory of the product's controller. */
export function controllerMiB(paths: HostPaths): number {
  const pid = readdirSync('/proc').find(
    (name) =>
      /^\d+$/.test(name) &&
      read(name, 'cmdline').includes(`${paths.home}/releases/`) &&
      read(name, 'cmdline').includes('controller/main.ts'),
  );
  return Number(/VmRSS:\s+(\d+) kB/.exec(read(pid ?? '', 'status'))?.[1]) / 1024;
}

function read(pid: string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return ''; // It ended while we looked.
  }
}
