/** Notices a viewer whose machine went away without a word, and keeps proxies from closing a quiet connection. */

import type { WebSocket } from 'ws';

const pingMs = 20_000;

/** Returns the way to stop. */
export function keepAlive(socket: WebSocket): () => void {
  let answered = true;
  const timer = setInterval(() => {
    // A socket that we do not read cannot be heard to answer; the stall limit watches that one.
    if (socket.isPaused) return;
    if (!answered) return socket.terminate();
    answered = false;
    socket.ping();
  }, pingMs);
  const onPong = () => {
    answered = true;
  };
  socket.on('pong', onPong);
  return () => {
    clearInterval(timer);
    socket.off('pong', onPong);
  };
}
