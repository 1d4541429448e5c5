/** Closes a WebSocket politely, and for good soon after. */

import type { WebSocket } from 'ws';

/** For the other end to answer the close. One that stalls never does. */
const politeMs = 2000;
/** What a close frame has room for. */
const maxReasonBytes = 123;

export function closeSocket(socket: WebSocket, code: number, reason: string): void {
  if (socket.readyState === socket.CLOSED) return;
  const timer = setTimeout(() => socket.terminate(), politeMs);
  socket.once('close', () => clearTimeout(timer));
  // A paused socket would never see the answer.
  socket.resume();
  socket.close(code, cut(reason));
}

function cut(reason: string): string {
  if (Buffer.byteLength(reason) <= maxReasonBytes) return reason;
  let text = reason.slice(0, maxReasonBytes);
  while (Buffer.byteLength(text) > maxReasonBytes - 3) text = text.slice(0, -1);
  return `${text}…`;
}
