/** Finds and kills what a process left running: its session, and children that moved to a session of their own. */

import { readdirSync, readFileSync } from 'node:fs';
import { asOwner, type Owner } from '../home/owner.ts';

/** A child may be born while the others are being killed. */
const roundsAtMost = 5;

/** `mark` is the `NAME=value` that the process and so all its children have in their environment. */
export function killLeftovers(owner: Owner, session: number, mark: string): void {
  for (let round = 0; round < roundsAtMost; round += 1) {
    const found = leftovers(owner, session, mark);
    if (found.length === 0) return;
    for (const pid of found) send(pid, 'SIGKILL');
  }
}

/** Signals a process, or a whole group by its negative number; that it has ended is fine. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended in the meantime.
  }
}

function leftovers(owner: Owner, session: number, mark: string): number[] {
  return asOwner(owner, () =>
    readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0 && pid !== process.pid && belongs(pid, session, mark)),
  );
}

function belongs(pid: number, session: number, mark: string): boolean {
  // After the name, which may hold anything: state, parent, group, session.
  const stat = read(pid, 'stat');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === '' || fields[0] === 'Z') return false;
  return Number(fields[3]) === session || `\0${read(pid, 'environ')}`.includes(`\0${mark}\0`);
}

function read(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
