/** Opens the desktop's end of a stream: the agent's `/rfb`. */

import { limits, PolydevError } from '@polydev/protocol';
import { WebSocket } from 'ws';
import type { AgentAccess } from '../services.ts';

/** The agent answers when the display does, which may still be starting. */
const handshakeMs = limits.sandboxBootMs;

/** Paused: nothing is lost before someone listens. Rejects with `agent_unreachable`, also when the signal aborts. */
export function openUpstream({ host, port, token }: AgentAccess, signal: AbortSignal): Promise<WebSocket> {
  const bracketed = host.includes(':') ? `[${host}]` : host;
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://${bracketed}:${port}/rfb`, {
      headers: { authorization: `Bearer ${token}` },
      perMessageDeflate: false,
      handshakeTimeout: handshakeMs,
      maxPayload: limits.viewerBufferBytes,
    });
    const abort = () => socket.terminate();
    const settle = () => signal.removeEventListener('abort', abort);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    socket.once('error', (cause) => {
      settle();
      reject(new PolydevError('agent_unreachable', 'The desktop does not answer.', { cause }));
    });
    socket.once('open', () => {
      settle();
      socket.pause();
      resolve(socket);
    });
  });
}
