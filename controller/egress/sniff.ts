/** Tells SOCKS5 from HTTP by the first byte. */

import type { Socket } from 'node:net';
import { socksVersion } from './socks.ts';

/** Calls back once with what it is, the byte unread again; never, when the connection ends before it says anything. */
export function sniff(socket: Socket, found: (protocol: 'socks' | 'http') => void): void {
  socket.once('readable', () => {
    const first: Buffer | null = socket.read(1);
    if (!first) {
      socket.destroy();
      return;
    }
    socket.unshift(first);
    found(first[0] === socksVersion ? 'socks' : 'http');
  });
}
