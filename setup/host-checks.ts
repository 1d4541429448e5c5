/** Things that must be true before any work is begun, each with its sentence. */

import { stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { PolydevError } from '@polydev/protocol';
import { nearestFolder } from './paths.ts';
import type { ServiceUser } from './service-user.ts';

export function requireRoot(): void {
  if (process.getuid?.() !== 0) {
    throw new PolydevError(
      'not_root',
      'Polydev needs root to make sandboxes; what a network reaches does not run as root.',
    );
  }
}

export async function requireFreePort(host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const sentence =
        error.code === 'EADDRINUSE'
          ? `Port ${port} is taken by another program.`
          : `Port ${port} on ${host} cannot be used: ${error.message}.`;
      reject(new PolydevError('port_taken', sentence, { cause: error }));
    });
    probe.listen(port, host, () => probe.close(() => resolve()));
  });
}

/** `wrong_data_folder` where the user may not pass: root's own home folder is the usual place to meet this. */
export async function requireWayTo(home: string, user: Pick<ServiceUser, 'uid' | 'gid'>): Promise<void> {
  for (let folder = nearestFolder(home); ; folder = dirname(folder)) {
    const { uid, gid, mode } = await stat(folder);
    const enter = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & enter) === 0)
      throw new PolydevError(
        'wrong_data_folder',
        `The user polydev may not enter ${folder}, so it cannot work in ${home}.`,
      );
    if (folder === dirname(folder)) return;
  }
}
