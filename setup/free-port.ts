/** A port of this machine that nobody listens on now; of its loopback unless told otherwise. */

import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below those that Linux by default gives to who asks for any, so that nobody is given it before it is used. */
const ports = { from: 20_000, below: 32_768 };

export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (;;) {
    const port = randomInt(ports.from, ports.below);
    if (await isFree(host, port)) return port;
  }
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
    );
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });
}
