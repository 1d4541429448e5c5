/** The agent's HTTP server: checks the bearer, finds the route, turns errors into answers, hands WebSockets on. */

import { createServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { PolydevError } from '@polydev/protocol';
import type { Log } from '../log.ts';
import { createBearerCheck } from './bearer.ts';
import { errorAnswer, sendJson } from './body.ts';

export interface Call {
  request: IncomingMessage;
  response: ServerResponse;
  /** The part of the path that stands for `:id`. */
  id: string;
  query: URLSearchParams;
}

/** By method and path; `:id` stands for one part of a path. */
export type Routes = Record<string, (call: Call) => void | Promise<void>>;

/** By path. Throws or rejects for an error answer; the handshake is its own. */
export type Upgrades = Record<string, (request: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void>>;

const connectionsAtMost = 64;

export function createHttpServer(deps: { token: string; routes: Routes; upgrades: Upgrades; log: Log }) {
  const mayPass = createBearerCheck(deps.token);

  function admit(request: IncomingMessage): URL {
    if (!mayPass(request)) throw new PolydevError('not_signed_in', 'The agent does not know this token.');
    return new URL(request.url ?? '/', 'http://agent');
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = admit(request);
    const id = /^\/exec\/([^/]+)/.exec(url.pathname)?.[1] ?? '';
    const path = url.pathname.replace(/^\/exec\/[^/]+/, '/exec/:id');
    const route = deps.routes[`${request.method} ${path}`];
    if (!route) throw new PolydevError('not_found', 'The agent has no such route.');
    await route({ request, response, id, query: url.searchParams });
  }

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const handler = deps.upgrades[admit(request).pathname];
    if (!handler) throw new PolydevError('not_found', 'The agent has no such stream.');
    await handler(request, socket, head);
  }

  function report(error: unknown): ReturnType<typeof errorAnswer> {
    if (!(error instanceof PolydevError)) deps.log('a request failed', error);
    return errorAnswer(error);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
      const { status, body } = report(error);
      if (response.headersSent) return response.destroy();
      // What is left of the body is not read.
      response.setHeader('connection', 'close');
      sendJson(response, status, body);
    });
  });
  server.maxConnections = connectionsAtMost;

  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    upgrade(request, socket, head).catch((error) => {
      const { status, body } = report(error);
      const text = JSON.stringify(body);
      socket.end(
        `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json\r\n` +
          `content-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
      );
    });
  });

  return server;
}
