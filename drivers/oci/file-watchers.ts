/**
 * inotify. The kernel counts what all sandboxes hold as the host root's, and its usual limit there is 128 instances, of
 * which a desktop takes about 25. So the host's limits are raised, and each sandbox has limits of its own, for each of
 * its users, that leave enough for the others.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { run } from '../exec.ts';

interface Limit {
  /** The kernel shows one value in two places: this one, which every root may write, … */
  hostFile: string;
  /** … and this one, which shows each user namespace its own. */
  ownFile: string;
  onHost: number;
  inSandbox: number;
}

const limits: readonly Limit[] = [
  {
    hostFile: '/proc/sys/fs/inotify/max_user_instances',
    ownFile: '/proc/sys/user/max_inotify_instances',
    onHost: 8192,
    inSandbox: 256,
  },
  {
    hostFile: '/proc/sys/fs/inotify/max_user_watches',
    ownFile: '/proc/sys/user/max_inotify_watches',
    onHost: 1_048_576,
    inSandbox: 65_536,
  },
];

/** Answers what was raised, as `file from to`. Never lowers anything; what cannot be raised stays. */
export async function raiseOnHost(): Promise<string[]> {
  const raised: string[] = [];
  for (const { file, found, onHost } of await shortOnHost()) {
    const done = await writeFile(file, String(onHost)).then(
      () => true,
      () => false,
    );
    if (done) raised.push(`${file} ${found} ${onHost}`);
  }
  return raised;
}

/** The limits of this host that are too low for many sandboxes. */
export async function shortOnHost(): Promise<{ file: string; found: number; onHost: number }[]> {
  const found = await Promise.all(
    limits.map(async ({ hostFile, onHost }) => ({
      file: hostFile,
      onHost,
      found: Number(await readFile(hostFile, 'utf8')),
    })),
  );
  return found.filter((limit) => limit.found < limit.onHost);
}

/** In the user namespace that the process of this host is in. Root inside may not change them again. */
export async function limitSandbox(pid: number): Promise<void> {
  await Promise.all(
    limits.map(({ ownFile, inSandbox }) =>
      run(['nsenter', `--user=/proc/${pid}/ns/user`, 'tee', ownFile], { input: String(inSandbox) }),
    ),
  );
}
