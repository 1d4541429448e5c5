/** A way to the test's PostgreSQL on which an answer can get lost after the server has done what it was asked. */

import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export interface LossyProxy {
  url: string;
  /** Cuts the connection on which the next answer comes that says this, such as `INSERT 0 1`. */
  loseAnswer(says: string): void;
  /** How many were lost. */
  lost(): number;
}

export async function startLossyProxy(t: TestContext, databaseUrl: string): Promise<LossyProxy> {
  const target = new URL(databaseUrl);
  let wanted: string | null = null;
  let lost = 0;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    near.pipe(far);
    far.on('data', (answer) => {
      if (wanted !== null && answer.includes(`${wanted}\0`)) {
        wanted = null;
        lost += 1;
        near.destroy();
        far.destroy();
      } else near.write(answer);
    });
    far.on('close', () => near.destroy());
    near.on('close', () => far.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const url = new URL(databaseUrl);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    loseAnswer(says) {
      wanted = says;
    },
    lost: () => lost,
  };
}
