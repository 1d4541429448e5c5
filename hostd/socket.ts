/** The unix socket: taken over from a dead hostd, never from a living one, and open to one group. */

import { chmod, chown, mkdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { run } from '@polydev/drivers/exec';
import { PolydevError } from '@polydev/protocol';

export async function prepareSocket(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  if (await answers(path)) throw new PolydevError('port_taken', `Another host service serves ${path}.`);
  await rm(path, { force: true });
}

/** Until this is called only root can connect. */
export async function openSocketTo(path: string, group: number | undefined): Promise<void> {
  if (group === undefined) {
    await chmod(path, 0o600);
    return;
  }
  await chown(path, 0, group);
  await chmod(path, 0o660);
}

/** By name or number. */
export async function groupId(group: string): Promise<number> {
  if (/^\d+$/.test(group)) return Number(group);
  const { stdout } = await run(['getent', 'group', group], { allow: [2] });
  const id = stdout.split(':')[2];
  if (id === undefined) throw new PolydevError('host_lacks', `There is no group ${group} on this host.`);
  return Number(id);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}
