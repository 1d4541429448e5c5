/** Finds and ends helper programs that a crash left running, by their name and by what stands in their arguments. */

import { readdir, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Search {
  programs: readonly string[];
  /** Part of one of the arguments. */
  argument: string;
}

/** Pids of the programs that match. One after the other: each read takes a buffer of 64 KiB, and there may be hundreds. */
export async function findProcesses(search: Search): Promise<number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)) {
    const [program = '', ...args] = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    if (search.programs.includes(basename(program)) && args.some((arg) => arg.includes(search.argument)))
      found.push(pid);
  }
  return found;
}

export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended already
  }
}

/** They are not our children, so their end cannot be awaited; a killed process is gone within a millisecond or so. */
const lookAgainMs = 5;

/** Kills until none is left or the deadline has passed. Returns those that are left. */
export async function killProcesses(search: Search, deadlineMs: number): Promise<number[]> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    const pids = await findProcesses(search);
    if (pids.length === 0 || performance.now() > endMs) return pids;
    for (const pid of pids) kill(pid, 'SIGKILL');
    await sleep(lookAgainMs);
  }
}
