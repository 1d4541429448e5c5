/** Things that must be true before any work is begun, each with its sentence. */

import { type AddressInfo, createServer } from 'node:net';
import { PolydevError } from '@polydev/protocol';

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

/** A port that is free now. */
export async function freePort(host: string): Promise<number> {
  return await new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, host, () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
