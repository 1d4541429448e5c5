/** Notices a viewer whose machine went away without a word, and keeps proxies from closing a quiet connection. */

import type { WebSocket } from 'ws';

const pingMs = 20_000;
/** A ping stands in line behind what the machine has already taken: on a line of 1 Mbit/s that may be half a minute. */
const unansweredPings = 3;

/** Returns the way to stop. */
export function keepAlive(socket: WebSocket): () => void {
  let unanswered = 0;
  const timer = setInterval(() => {
    // A socket that we do not read cannot be heard to answer; the stall limit watches that one.
    if (socket.isPaused) return;
    if (unanswered === unansweredPings) return socket.terminate();
    unanswered += 1;
    socket.ping();
  }, pingMs);
  const onPong = () => {
    unanswered = 0;
  };
  socket.on('pong', onPong);
  return () => {
    clearInterval(timer);
    socket.off('pong', onPong);
  };
}
