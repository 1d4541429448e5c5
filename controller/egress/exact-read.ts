/** So many bytes from a socket, for handshakes. */

import type { Socket } from 'node:net';

/** Rejects when the socket ends or closes before. What follows stays in the socket. */
export async function readExactly(socket: Socket, bytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let missing = bytes; missing > 0; ) {
    // Never leaves any behind while waiting: a socket that holds something says at once, and again, that it does.
    const part: Buffer | null = socket.read(Math.min(missing, socket.readableLength));
    if (part) {
      parts.push(part);
      missing -= part.length;
    } else if (socket.readableEnded || socket.destroyed) throw new Error('The other side closed too early.');
    else await change(socket);
  }
  return Buffer.concat(parts);
}

function change(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of ['readable', 'end', 'close']) socket.off(event, done);
      resolve();
    };
    for (const event of ['readable', 'end', 'close']) socket.on(event, done);
  });
}
