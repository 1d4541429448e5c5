/** The agent's end of a picture, as far as the relay sees it: a WebSocket at `/rfb` behind a bearer token. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { type WebSocket, WebSocketServer } from 'ws';
import type { AgentAccess } from '../../services.ts';

export interface FakeDesktop {
  access: AgentAccess;
  /** The connections of the relay, oldest first. */
  connections: WebSocket[];
  /** The next one. */
  connected(): Promise<WebSocket>;
}

export async function startFakeDesktop(t: TestContext): Promise<FakeDesktop> {
  const token = 't'.repeat(32);
  const server = createServer((_request, response) => response.writeHead(404).end());
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  const connections: WebSocket[] = [];
  server.on('upgrade', (request, socket, head) => {
    const allowed = request.url === '/rfb' && request.headers.authorization === `Bearer ${token}`;
    if (!allowed) return socket.destroy();
    sockets.handleUpgrade(request, socket, head, (opened) => {
      connections.push(opened);
      sockets.emit('connection', opened);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const connection of connections) connection.terminate();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    access: { host: '127.0.0.1', port, token },
    connections,
    async connected() {
      const [connection] = await once(sockets, 'connection');
      return connection;
    },
  };
}
