/**
 * Who this controller is: a name that lasts as long as its data folder, so that it knows its own things again. And where
 * it is: on which host, from whose network its sandboxes can be reached.
 */

import { createHash } from 'node:crypto';
import { readFile, readlink, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ControllerId, isId, newId } from '@polydev/protocol';
import { notWritten } from '../not-written.ts';

/** Throws `host_lacks` or `disk_full` when nothing can be written there. */
export async function loadIdentity(folder: string): Promise<ControllerId> {
  const path = join(folder, 'controller-id');
  const known = (await readFile(path, 'utf8').catch(() => '')).trim();
  if (isId('controller', known)) return known;
  const id = newId('controller');
  try {
    await writeFile(`${path}.new`, `${id}\n`, { mode: 0o600 });
    await rename(`${path}.new`, path);
  } catch (cause) {
    throw notWritten(`The data folder ${folder}`, cause);
  }
  return id;
}

/** The same for all that share a network, and only until it boots again, which no sandbox outlives either. */
export async function identifyHost(): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
  const network = await readlink('/proc/self/ns/net');
  return createHash('sha256').update(`${boot.trim()} ${network}`).digest('hex').slice(0, 32);
}
