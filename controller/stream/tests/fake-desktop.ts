/** The agent's end of a picture, as far as the relay sees it: a connection at `/rfb` behind a bearer token. */

import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TestContext } from 'node:test';
import type { AgentAccess } from '../../services.ts';

export interface FakeDesktop {
  access: AgentAccess;
  /** The connections of the relay, oldest first. */
  connections: Duplex[];
  /** The next one. */
  connected(): Promise<Duplex>;
}

export async function startFakeDesktop(t: TestContext): Promise<FakeDesktop> {
  const token = 't'.repeat(32);
  const server = createServer((_request, response) => response.writeHead(404).end());
  const arrivals = new EventEmitter();
  const connections: Duplex[] = [];
  server.on('upgrade', (request, socket) => {
    const { upgrade, authorization } = request.headers;
    const allowed = request.url === '/rfb' && upgrade === 'rfb' && authorization === `Bearer ${token}`;
    if (!allowed) return socket.destroy();
    socket.on('error', () => {});
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: rfb\r\n\r\n');
    connections.push(socket);
    arrivals.emit('connection', socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const connection of connections) connection.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    access: { host: '127.0.0.1', port, token },
    connections,
    async connected() {
      const [connection] = await once(arrivals, 'connection');
      return connection;
    },
  };
}
