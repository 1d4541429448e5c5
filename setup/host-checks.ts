/** Things that must be true before any work is begun, each with its sentence. */

import { createServer } from 'node:net';
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
