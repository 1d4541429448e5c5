/** A proxy that ends every tunnel at the doubles, as the egress gateway's routes do. */

import http from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface ConnectProxy {
  port: number;
  /** Names that were asked for and that the doubles do not stand for; those tunnels were refused. */
  strangers: Set<string>;
  close(): Promise<void>;
}

export async function startConnectProxy(doubles: { port: number; hosts: readonly string[] }): Promise<ConnectProxy> {
  const strangers = new Set<string>();
  const sockets = new Set<Socket>();
  const server = http.createServer((request, response) => {
    strangers.add(`${request.url}`);
    response.writeHead(502).end();
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  });
  server.on('connect', (request, socket: Socket, head: Buffer) => {
    const [name = ''] = (request.url ?? '').split(':');
    if (!doubles.hosts.includes(name)) {
      strangers.add(name);
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
      return;
    }
    const inner = connect(doubles.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      inner.write(head);
      inner.pipe(socket).pipe(inner);
    });
    inner.on('error', () => socket.destroy());
    inner.on('close', () => socket.destroy());
    socket.on('close', () => inner.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    strangers,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
