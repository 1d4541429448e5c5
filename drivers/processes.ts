/** Finds and ends helper programs that a crash left running, by their name and by what stands in their arguments. */

import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Search {
  programs: readonly string[];
  /** Part of one of the arguments. */
  argument: string;
}

/** Pids of the programs that match. Read in one go: of hundreds at once each would take a buffer of 64 KiB for a line. */
export async function findProcesses(search: Search): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  return pids.filter((pid) => {
    const [program = '', ...args] = commandOf(pid);
    return search.programs.includes(basename(program)) && args.some((arg) => arg.includes(search.argument));
  });
}

function commandOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // it has ended already
  }
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
