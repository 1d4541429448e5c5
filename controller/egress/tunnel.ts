/** Two sockets as one: bytes both ways, each direction ends by itself, an error ends both. */

import type { Socket } from 'node:net';
import { pipeline } from 'node:stream';

export function tunnel(client: Socket, server: Socket, flowing: () => void): void {
  // Each pipeline listens to the same few events of both.
  for (const socket of [client, server]) socket.setMaxListeners(20);
  const done = (error?: Error | null) => {
    if (!error) return;
    client.destroy();
    server.destroy();
  };
  pipeline(client, server, done);
  pipeline(server, client, done);
  for (const socket of [client, server]) socket.on('data', flowing);
}
