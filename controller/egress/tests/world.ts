/** A gateway on loopback, servers behind it, and sandboxes that are told apart by their loopback addresses. */

import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { readExactly } from '../exact-read.ts';
import { createGateway, type Gateway, type GatewayOptions } from '../gateway.ts';

export interface World {
  gateway: Gateway;
  port: number;
  refusals: string[];
  /** Open connections, and bytes of closed ones. */
  count: { open: number; in: number; out: number };
  log: unknown[];
  /** A connection to the gateway from the sandbox at this address. */
  enter(source?: string): Socket;
}

export const sandbox = '127.0.0.1';

/** Sandbox `127.0.0.1` is known to it. */
export async function startGateway(t: TestContext, options: Partial<GatewayOptions> = {}): Promise<World> {
  const refusals: string[] = [];
  const log: unknown[] = [];
  const count = { open: 0, in: 0, out: 0 };
  const gateway = createGateway({
    listen: { host: '127.0.0.1', port: 0 },
    log: { info: (line: unknown) => void log.push(line) },
    resolve: () => Promise.reject(new Error('no such name')),
    metrics: {
      connections: (change) => {
        count.open += change;
      },
      bytes: (direction, bytes) => {
        count[direction] += bytes;
      },
      refusal: (reason) => void refusals.push(reason),
    },
    ...options,
  });
  const { port } = await gateway.listen();
  gateway.grant(sandbox, { sandboxId: 'sbx_test' });
  t.after(() => gateway.close());
  const enter = (source = sandbox) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: source, allowHalfOpen: true });
    socket.on('error', () => {});
    t.after(() => socket.destroy());
    return socket;
  };
  return { gateway, port, refusals, count, log, enter };
}

async function listening(t: TestContext, server: Server, host: string): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, host);
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Listens on loopback; its port. */
export function startTcp(t: TestContext, serve: (socket: Socket) => void, host = '127.0.0.1'): Promise<number> {
  return listening(t, createServer({ allowHalfOpen: true }, serve), host);
}

export function startEcho(t: TestContext, host?: string): Promise<number> {
  return startTcp(t, (socket) => socket.pipe(socket), host);
}

export function startHttp(t: TestContext, serve: RequestListener): Promise<number> {
  return listening(t, createHttpServer(serve), '127.0.0.1');
}

/** Everything until the other side ends or closes. */
export async function all(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  await new Promise<void>((resolve) => {
    for (const event of ['end', 'close']) socket.once(event, () => resolve());
  });
  return text;
}

/** So many bytes; none if the other side ends before. What comes after them stays in the socket. */
export function take(socket: Socket, bytes: number): Promise<Buffer> {
  return readExactly(socket, bytes).catch(() => Buffer.alloc(0));
}

/** Up to the empty line that ends the headers of an answer. */
export async function takeHead(socket: Socket): Promise<string> {
  let head = '';
  while (!head.endsWith('\r\n\r\n')) {
    const next = await take(socket, 1);
    if (next.length === 0) break;
    head += next.toString('latin1');
  }
  return head;
}

/** When the other side has ended, this side does too. */
export async function closed(socket: Socket): Promise<void> {
  if (socket.readableEnded) socket.end();
  socket.once('end', () => socket.end());
  socket.resume();
  if (!socket.closed) await new Promise<void>((resolve) => socket.once('close', () => resolve()));
}

/** Passes when the condition holds, looking again at each turn of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

export function connectRequest(authority: string): string {
  return `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;
}

/** SOCKS5 greeting without login, then a request for a name. */
export function socksRequest(host: string, port: number): { greeting: Buffer; request: Buffer } {
  const name = Buffer.from(host, 'latin1');
  const request = Buffer.concat([Buffer.from([5, 1, 0, 3, name.length]), name, Buffer.from([port >> 8, port & 255])]);
  return { greeting: Buffer.from([5, 1, 0]), request };
}
