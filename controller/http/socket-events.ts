/** Events over a WebSocket: each one a JSON text, at the pace of the reader; closed with 1000 after the last. */

import { promisify } from 'node:util';
import type { WebSocket } from 'ws';
import type { EventStream } from '../services.ts';
import { closeSocket } from '../stream/close.ts';
import { keepAlive } from '../stream/keep-alive.ts';

/** `stop` is aborted when the reader leaves. */
export async function sendOverSocket<E>(
  socket: WebSocket,
  events: EventStream<E>,
  stop: AbortController,
): Promise<void> {
  const send = promisify((text: string, done: (error?: Error) => void) => socket.send(text, done));
  const stopPinging = keepAlive(socket);
  socket.on('close', () => stop.abort());
  socket.on('error', () => socket.terminate());
  // There is nothing to say to us.
  socket.on('message', () => closeSocket(socket, 1003, 'This stream only speaks.'));
  try {
    for await (const item of events) {
      if (socket.readyState !== socket.OPEN) break;
      await send(JSON.stringify(item));
    }
    closeSocket(socket, 1000, 'The end.');
  } catch {
    closeSocket(socket, 1011, 'The stream broke off; ask again from where you were.');
  } finally {
    stopPinging();
    stop.abort();
  }
}
