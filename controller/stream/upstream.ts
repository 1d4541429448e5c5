/** Opens the desktop's end of a stream: the agent's `/rfb`, a connection that carries RFB as it is. */

import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { limits, PolydevError, rfbUpgrade } from '@polydev/protocol';
import type { AgentAccess } from '../services.ts';

/** The agent answers when the display does, which may still be starting. */
const handshakeMs = limits.sandboxBootMs;
/** Of the answer to the upgrade. */
const maxHeadBytes = 4096;
const endOfHead = '\r\n\r\n';
/** All that a viewer's picture takes of our memory: it is read into one buffer, again and again. */
const chunkBytes = 256 * 1024;

/** Says whether the next chunk may be read. The bytes are its until then: after `false`, until the socket is resumed. */
export type Take = (chunk: Buffer) => boolean;

export interface Upstream {
  /** To write to, and to end. */
  socket: Socket;
  /** Nothing is read before this. */
  read(take: Take): void;
}

/** Rejects with `agent_unreachable`. When the signal aborts, then or later, the connection is gone. */
export function openUpstream({ host, port, token }: AgentAccess, signal: AbortSignal): Promise<Upstream> {
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0);
    let take: Take = (chunk) => {
      head = Buffer.concat([head, chunk]);
      const length = head.indexOf(endOfHead);
      if (length < 0 && head.length <= maxHeadBytes) return true;
      if (length < 0 || !head.toString('latin1').startsWith('HTTP/1.1 101 ')) fail(new Error('It refuses the stream.'));
      else open(head.subarray(length + endOfHead.length));
      return false;
    };
    const socket = connect({
      host,
      port,
      signal,
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafeSlow(chunkBytes),
        callback: (bytes, buffer) => take((buffer as Buffer).subarray(0, bytes)),
      },
    });
    const impatience = setTimeout(() => fail(new Error('It does not answer.')), handshakeMs);

    function fail(cause: unknown): void {
      clearTimeout(impatience);
      socket.destroy();
      reject(new PolydevError('agent_unreachable', 'The desktop does not answer.', { cause }));
    }

    function open(early: Buffer): void {
      clearTimeout(impatience);
      resolve({
        socket,
        read(reader) {
          take = reader;
          if (early.length === 0 || take(early)) socket.resume();
        },
      });
    }

    socket.on('error', fail);
    socket.once('close', () => fail(new Error('It hung up.')));
    socket.write(
      `GET /rfb HTTP/1.1\r\nHost: agent\r\nConnection: Upgrade\r\nUpgrade: ${rfbUpgrade}\r\nAuthorization: Bearer ${token}${endOfHead}`,
    );
  });
}

/** For one who reads now and then rather than passes on. Takes the upstream over, and ends with it. */
export function asStream({ socket, read }: Upstream): Duplex {
  const stream = new Duplex({
    read: () => socket.resume(),
    write: (chunk, encoding, done) => socket.write(chunk, encoding, done),
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });
  socket.once('close', () => stream.push(null));
  read((chunk) => stream.push(Buffer.from(chunk)));
  return stream;
}
