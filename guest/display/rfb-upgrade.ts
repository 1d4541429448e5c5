/** `/rfb`: the handshake is answered when the display is there, so an open WebSocket is a live display. */

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { limits } from '@polydev/protocol';
import { WebSocketServer } from 'ws';
import { connectWhenThere } from './display-socket.ts';
import { relay } from './relay.ts';

export function createRfbUpgrade(options: { socket: string; patienceMs: number }) {
  const webSockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    clientTracking: false,
    maxPayload: limits.viewerBufferBytes,
  });

  return async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const gone = new AbortController();
    const leave = () => gone.abort();
    socket.once('close', leave);
    const patience = AbortSignal.any([gone.signal, AbortSignal.timeout(options.patienceMs)]);
    const display = await connectWhenThere(options.socket, patience);
    display.on('error', () => display.destroy());
    socket.once('close', () => display.destroy());
    if (socket.destroyed) display.destroy();
    else webSockets.handleUpgrade(request, socket, head, (viewer) => relay(viewer, display));
  };
}
