/** Programs of the sandbox say here, one line of JSON a connection, which page they opened: `{"opened":"<url>"}`. */

import { createServer, type Server, type Socket } from 'node:net';
import type { AgentEvent } from '@polydev/protocol';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { EventLog } from '../events/event-log.ts';

const Notice = Type.Object({ opened: Type.String() });

const noticeBytes = 16 * 1024;
const noticeMs = 2000;
const connectionsAtMost = 16;
/** Whoever opens more is not signing in. */
const pagesAtMost = 200;
const pageLength = 500;

export function createOpenedPages(events: EventLog<AgentEvent>): Server {
  let pages = 0;

  function take(line: string): void {
    const page = pageOf(line);
    if (!page || pages >= pagesAtMost) return;
    pages += 1;
    events.append({ type: 'opened', page });
  }

  const server = createServer((socket) => readLine(socket, take));
  server.maxConnections = connectionsAtMost;
  return server;
}

function readLine(socket: Socket, take: (line: string) => void): void {
  let text = '';
  socket.setEncoding('utf8');
  socket.setTimeout(noticeMs, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    text += chunk;
    const end = text.indexOf('\n');
    if (end !== -1) take(text.slice(0, end));
    if (end !== -1 || text.length > noticeBytes) socket.destroy();
  });
}

/** Origin and path: what follows may carry codes. Undefined for what is not a page of the web. */
function pageOf(line: string): string | undefined {
  try {
    const notice: unknown = JSON.parse(line);
    if (!Value.Check(Notice, notice)) return undefined;
    const { protocol, origin, pathname } = new URL(notice.opened);
    return protocol === 'https:' || protocol === 'http:' ? (origin + pathname).slice(0, pageLength) : undefined;
  } catch {
    return undefined;
  }
}
