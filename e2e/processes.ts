/** Processes of the product and of its sandboxes, as the host sees them. */

import { readdirSync, readFileSync } from 'node:fs';
import type { HostPaths } from '../setup/paths.ts';

/** The first process of a sandbox, with which all others die. */
export const init = /^(\/sbin\/init|\/(usr\/)?lib\/systemd\/systemd)( |$)/;

/** Pids on the host of the sandbox's processes whose command line fits. */
export function processesOf(paths: HostPaths, sandboxId: string, command: RegExp): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => read(pid, 'cgroup').includes(`polydev-${paths.instance}/${sandboxId}`))
    .filter((pid) => command.test(read(pid, 'cmdline').replaceAll('\0', ' ')))
    .map(Number);
}

/** Kills what fits as the kernel does when memory is short, and says how many there were. */
export function killIn(paths: HostPaths, sandboxId: string, command: RegExp): number {
  return kill(processesOf(paths, sandboxId, command));
}

/** Those that have ended by themselves are not counted. */
export function kill(pids: readonly number[]): number {
  return pids.filter((pid) => {
    try {
      return process.kill(pid, 'SIGKILL');
    } catch {
      return false;
    }
  }).length;
}

export function pidOf(paths: HostPaths, part: 'controller' | 'hostd'): number {
  const isIt = (command: string) => command.includes(`${paths.releases}/`) && command.includes(`${part}/main.ts`);
  const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && isIt(read(name, 'cmdline')));
  if (pid === undefined) throw new Error(`There is no ${part}.`);
  return Number(pid);
}

/** Asks for the resident memory of a process, in MiB; 0 once it has ended. */
export function memoryOf(pid: number): () => number {
  return () => Number(/VmRSS:\s+(\d+) kB/.exec(read(String(pid), 'status'))?.[1] ?? 0) / 1024;
}

function read(pid: string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return ''; // It ended while we looked.
  }
}
