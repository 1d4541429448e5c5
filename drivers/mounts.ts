/** What is mounted on this host, and the way to mount and unmount. */

import { readFile } from 'node:fs/promises';
import { ExecError, run } from './exec.ts';

export interface Mount {
  /** The part of the file system that is mounted, `/` for all of it. */
  root: string;
  target: string;
  type: string;
  source: string;
  /** Of the file system, for example `rw,memory`. */
  options: string[];
}

export async function readMounts(): Promise<Mount[]> {
  return parseMounts(await readFile('/proc/self/mountinfo', 'utf8'));
}

/** Lines of proc_pid_mountinfo(5), in the order in which they were mounted. */
export function parseMounts(text: string): Mount[] {
  return text
    .split('\n')
    .filter((line) => line.includes(' - '))
    .map((line) => {
      const [before = '', after = ''] = line.split(' - ');
      const [, , , root = '', target = ''] = before.split(' ').map(decode);
      const [type = '', source = '', options = ''] = after.split(' ').map(decode);
      return { root, target, type, source, options: options.split(',') };
    });
}

function decode(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** Targets at or below the folder, the newest last. */
export async function mountsUnder(folder: string): Promise<string[]> {
  const mounts = await readMounts();
  return mounts.map((mount) => mount.target).filter((target) => target === folder || target.startsWith(`${folder}/`));
}

export async function mount(type: string, source: string, target: string, options: readonly string[]): Promise<void> {
  await run(['mount', '-t', type, '-o', options.join(','), source, target]);
}

/** Unmounts everything at or below the folder. Who still has a file open there keeps it, but it leaves the tree. */
export async function unmountAll(folder: string): Promise<void> {
  for (const target of (await mountsUnder(folder)).toReversed()) {
    try {
      await run(['umount', target]);
    } catch (error) {
      if (!(error instanceof ExecError)) throw error;
      await run(['umount', '--lazy', target]);
    }
  }
}
