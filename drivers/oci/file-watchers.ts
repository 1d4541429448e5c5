/**
 * inotify. The kernel counts what all sandboxes hold as the host root's, and its usual limit there is 128 instances, of
 * which a desktop takes about 25. So the host's limits are raised, and each sandbox has limits of its own, for each of
 * its users, that leave enough for the others.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { run } from '../exec.ts';

interface Limit {
  name: string;
  onHost: number;
  inSandbox: number;
}

const limits: readonly Limit[] = [
  { name: 'max_inotify_instances', onHost: 8192, inSandbox: 256 },
  { name: 'max_inotify_watches', onHost: 1_048_576, inSandbox: 65_536 },
];

const fileOf = (name: string) => `/proc/sys/user/${name}`;

/** Answers what was raised, as `name from to`. Never lowers anything; what cannot be raised stays. */
export async function raiseOnHost(): Promise<string[]> {
  const raised: string[] = [];
  for (const { name, found, onHost } of await shortOnHost()) {
    const done = await writeFile(fileOf(name), String(onHost)).then(
      () => true,
      () => false,
    );
    if (done) raised.push(`${name} ${found} ${onHost}`);
  }
  return raised;
}

/** The limits of this host that are too low for many sandboxes. */
export async function shortOnHost(): Promise<{ name: string; found: number; onHost: number }[]> {
  const found = await Promise.all(
    limits.map(async ({ name, onHost }) => ({ name, onHost, found: Number(await readFile(fileOf(name), 'utf8')) })),
  );
  return found.filter((limit) => limit.found < limit.onHost);
}

/** In the user namespace that the process of this host is in. Root inside may not change them again. */
export async function limitSandbox(pid: number): Promise<void> {
  await Promise.all(
    limits.map(({ name, inSandbox }) =>
      run(['nsenter', `--user=/proc/${pid}/ns/user`, 'tee', fileOf(name)], { input: String(inSandbox) }),
    ),
  );
}
