/** A way to a test server on which an answer can get lost, after it was given, and which can fall silent. */

import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export interface LossyProxy {
  url: string;
  /** Cuts the connection on which the next answer comes that says this, such as `INSERT 0 1`. */
  loseAnswer(says: string): void;
  /** How many were lost. */
  lost(): number;
  /** Carries nothing, and ends nothing. */
  fallSilent(): void;
  speakAgain(): void;
}

export async function startLossyProxy(t: TestContext, serverUrl: string): Promise<LossyProxy> {
  const target = new URL(serverUrl);
  let wanted: string | null = null;
  let lost = 0;
  let silent = false;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    const carry = (from: Socket, to: Socket, isLost: (data: Buffer) => boolean) => {
      sockets.add(from);
      from.on('error', () => {});
      from.on('data', (data) => {
        if (!isLost(data)) return to.write(data);
        near.destroy();
        far.destroy();
      });
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      if (silent) from.pause();
    };
    carry(near, far, () => false);
    carry(far, near, (answer) => {
      if (wanted === null || !answer.includes(`${wanted}\0`)) return false;
      wanted = null;
      lost += 1;
      return true;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const url = new URL(serverUrl);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    loseAnswer(says) {
      wanted = says;
    },
    lost: () => lost,
    fallSilent() {
      silent = true;
      for (const socket of sockets) socket.pause();
    },
    speakAgain() {
      silent = false;
      for (const socket of sockets) socket.resume();
    },
  };
}
