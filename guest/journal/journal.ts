/** The newest of the system journal as plain text: what became of units, and what they said. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { limits, PolydevError } from '@polydev/protocol';

const deadlineMs = 2_000;
const lines = 1_000;

/** Whole lines; `unavailable` when it cannot be read. */
export async function readJournal(journalctl: string): Promise<string> {
  const args = ['--quiet', '--no-pager', '--no-hostname', '--output=short-iso', `--lines=${lines}`];
  const child = spawn(journalctl, args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: deadlineMs,
    killSignal: 'SIGKILL',
  });
  let tail: Buffer = Buffer.alloc(0);
  let cut = false;
  child.stdout.on('data', (chunk: Buffer) => {
    const all = Buffer.concat([tail, chunk]);
    tail = all.subarray(-limits.journalTailBytes);
    cut ||= tail.length < all.length;
  });
  const [code] = await once(child, 'close').catch((cause) => [cause]);
  if (code !== 0) throw new PolydevError('unavailable', 'The journal cannot be read.', { cause: code });
  return (cut ? tail.subarray(tail.indexOf('\n') + 1) : tail).toString('utf8');
}
