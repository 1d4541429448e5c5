/** `/rfb`: the upgrade is answered when the display is there, so an open stream is a live display. */

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { PolydevError, rfbUpgrade } from '@polydev/protocol';
import { connectWhenThere } from './display-socket.ts';
import { createRelay } from './relay.ts';

const switching = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${rfbUpgrade}\r\n\r\n`;

export function createRfbUpgrade(options: { socket: string; patienceMs: number }) {
  return async (request: IncomingMessage, viewer: Duplex, head: Buffer): Promise<void> => {
    if (request.headers.upgrade !== rfbUpgrade)
      throw new PolydevError('invalid_request', `The display speaks to those who ask for \`Upgrade: ${rfbUpgrade}\`.`);
    const gone = new AbortController();
    viewer.once('close', () => gone.abort());
    const patience = AbortSignal.any([gone.signal, AbortSignal.timeout(options.patienceMs)]);
    const relay = createRelay(viewer);
    const display = await connectWhenThere(options.socket, patience, relay.onread);
    viewer.write(switching);
    if (head.length > 0) viewer.unshift(head);
    relay.start(display);
  };
}
