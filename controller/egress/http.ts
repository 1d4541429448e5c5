/** HTTP proxying for sandboxes: CONNECT, and requests in absolute form (`GET http://host/path`). */

import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream';
import { PolydevError, toPolydevError } from '@polydev/protocol';
import type { Caller } from './caller.ts';
import { endToEnd } from './http-headers.ts';
import { refused } from './policy.ts';
import { parseAuthority, type Target } from './target.ts';
import { tunnel } from './tunnel.ts';

export interface HttpProxy {
  /** Takes a connection whose first bytes are still unread. */
  serve(socket: Socket, caller: Caller): void;
}

export function createHttpProxy(options: { headerBytes: number; keepAliveMs: number }): HttpProxy {
  const callers = new WeakMap<Socket, Caller>();
  /** Requests that have no whole answer yet: several, when they are sent without waiting. */
  const answering = new WeakMap<Socket, number>();

  function callerOf(request: IncomingMessage): Caller {
    const caller = callers.get(request.socket);
    if (!caller) throw new Error('A request came from a connection that nobody handed over.');
    return caller;
  }

  // It never listens: connections are handed to it, and time limits that need listening are the caller's patience.
  const server = createServer({ maxHeaderSize: options.headerBytes, keepAliveTimeout: 0 });

  server.on('connect', (request, socket: Socket, head) => {
    const caller = callerOf(request);
    caller.patience.stop();
    connect(caller, request.url ?? '', head, socket).catch((error: unknown) => caller.hangUp(rawAnswer(error)));
  });

  server.on('request', (request, response) => {
    const caller = callerOf(request);
    caller.patience.stop();
    answering.set(request.socket, (answering.get(request.socket) ?? 0) + 1);
    response.on('close', () => {
      const left = (answering.get(request.socket) ?? 1) - 1;
      answering.set(request.socket, left);
      if (left === 0) caller.patience.start(options.keepAliveMs);
    });
    forward(caller, request, response).catch((error: unknown) => answer(response, error));
  });

  return {
    serve(socket, caller) {
      callers.set(socket, caller);
      server.emit('connection', socket);
    },
  };
}

async function connect(caller: Caller, authority: string, head: Buffer, socket: Socket): Promise<void> {
  const target = parseAuthority(authority);
  if (!target) throw caller.refuse(refused('name', 'This is not a host name or address with a port.'));
  const server = await caller.open(target);
  if (head.length > 0) server.write(head);
  socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
  tunnel(socket, server, caller.flowing);
}

async function forward(caller: Caller, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const { target, path } = absoluteForm(caller, incoming.url ?? '');
  const socket = await caller.open(target);
  if (response.destroyed) return void socket.destroy();

  const headers = endToEnd(incoming.rawHeaders, ['host', 'expect']);
  const chunks = incoming.headers['transfer-encoding'] === undefined ? [] : ['Transfer-Encoding', 'chunked'];
  const outgoing = request({
    method: incoming.method,
    path,
    headers: ['Host', hostHeader(target), ...headers, ...chunks, 'Connection', 'close'],
    createConnection: () => socket,
  });
  response.on('close', () => outgoing.destroy());
  outgoing.on('error', (cause) => {
    answer(response, new PolydevError('unavailable', `${target.host} broke off the connection.`, { cause }));
  });
  outgoing.on('response', (answered) => {
    response.sendDate = false;
    try {
      response.writeHead(answered.statusCode ?? 0, answered.statusMessage, endToEnd(answered.rawHeaders));
    } catch (cause) {
      // Node reads status lines that it would not write.
      outgoing.destroy();
      return answer(response, new PolydevError('unavailable', `${target.host} does not speak HTTP.`, { cause }));
    }
    pipeline(answered, response, () => {});
  });
  pipeline(incoming, outgoing, () => {});
}

function absoluteForm(caller: Caller, url: string): { target: Target; path: string } {
  const parts = /^http:\/\/([^/?#]*)([^#]*)/i.exec(url);
  if (!parts) throw caller.refuse(refused('protocol', 'This is a proxy: it takes CONNECT and http:// addresses.'));
  const [, authority = '', rest = ''] = parts;
  const target = parseAuthority(authority, 80);
  if (!target) throw caller.refuse(refused('name', 'This is not a host name or address.'));
  return { target, path: rest.startsWith('/') ? rest : `/${rest}` };
}

function hostHeader({ host, port }: Target): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return port === 80 ? name : `${name}:${port}`;
}

function answer(response: ServerResponse, cause: unknown): void {
  // Half an answer cannot be taken back: breaking off says that it is not whole.
  if (response.headersSent) return void response.destroy();
  const { status, reason, body } = errorAnswer(cause);
  response.writeHead(status, reason, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  });
  response.end(body);
}

function rawAnswer(cause: unknown): string {
  const { status, reason, body } = errorAnswer(cause);
  const headers = `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close`;
  return `HTTP/1.1 ${status} ${reason}\r\n${headers}\r\n\r\n${body}`;
}

function errorAnswer(cause: unknown): { status: number; reason: string; body: string } {
  const { code, message } = toPolydevError(cause);
  const body = JSON.stringify({ error: { code, message } });
  return code === 'egress_refused'
    ? { status: 403, reason: 'Forbidden', body }
    : { status: 502, reason: 'Bad Gateway', body };
}
