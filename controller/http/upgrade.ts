/**
 * WebSockets by way of the ordinary routes: an upgrade request walks through the same limits, guard and error
 * answers as any other, and only the handler turns it into a WebSocket.
 */

import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { PolydevError } from '@polydev/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';
import type { App } from './app.ts';

interface Pending {
  socket: Duplex;
  head: Buffer;
}

const pending = new WeakMap<IncomingMessage, Pending>();

/** What comes from a viewer is keys and pointer moves, or a pasted text. */
const maxMessageBytes = 1024 * 1024;

const sockets = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: maxMessageBytes,
  handleProtocols: (offered) => (offered.has('binary') ? 'binary' : false),
});

/** Any other upgrade is ignored, as HTTP allows: the request is answered as if it had not asked. */
export function isUpgrade(request: IncomingMessage): boolean {
  return request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket';
}

export function acceptUpgrades(app: App): void {
  app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    pending.set(request, { socket, head });
    socket.on('error', () => socket.destroy());
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    try {
      response.assignSocket(socket as Socket);
    } catch {
      // The answer to one before it on this connection is still to come. Nobody who upgrades sends without waiting.
      return void socket.destroy();
    }
    // The server no longer looks after this connection: nobody else would end it when the other side does not.
    response.once('finish', () => (socket as Socket).destroySoon());
    app.routing(request, response);
  });
}

/** Turns the request into a WebSocket; `invalid_request` when it does not ask for one. */
export async function upgrade(request: FastifyRequest, reply: FastifyReply): Promise<WebSocket> {
  const waiting = pending.get(request.raw);
  if (!waiting) throw new PolydevError('invalid_request', 'Open this address as a WebSocket.');
  if (waiting.socket.destroyed) throw new PolydevError('invalid_request', 'The WebSocket was not opened.');
  reply.hijack();
  reply.raw.detachSocket(waiting.socket as Socket);
  return await new Promise((resolve, reject) => {
    // When the handshake itself is malformed, ws answers it and ends the socket.
    waiting.socket.once('close', () => reject(new PolydevError('invalid_request', 'The WebSocket was not opened.')));
    sockets.handleUpgrade(request.raw, waiting.socket, waiting.head, resolve);
  });
}
