/** The unprivileged user `polydev`: made once, without a home folder and without a shell. */

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { PolydevError } from '@polydev/protocol';
import { serviceUser } from './paths.ts';

const run = promisify(execFile);

export interface ServiceUser {
  uid: number;
  gid: number;
}

export async function ensureServiceUser(): Promise<ServiceUser> {
  const present = await findServiceUser();
  if (present) return present;
  await run('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', serviceUser]);
  const made = await findServiceUser();
  if (!made) throw new PolydevError('host_lacks', `The system user ${serviceUser} could not be made.`);
  return made;
}

async function findServiceUser(): Promise<ServiceUser | undefined> {
  for (const line of (await readFile('/etc/passwd', 'utf8')).split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name === serviceUser) return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}
