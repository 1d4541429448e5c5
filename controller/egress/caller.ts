/** One connection of a sandbox, as the protocols see it. */

import type { Socket } from 'node:net';
import type { PolydevError } from '@polydev/protocol';
import type { Target } from './target.ts';

export interface Caller {
  /** Rejects with `egress_refused`, or with `unavailable` when nothing answers. */
  open(target: Target): Promise<Socket>;
  /** Notes a refusal that a protocol decided by itself, and gives it back to be thrown. */
  refuse(error: PolydevError): PolydevError;
  /** Says a last word, and waits a moment for the other side to hear it and to go. */
  hangUp(lastWord: Buffer | string): void;
  /** Something goes over it, in either direction. */
  flowing(): void;
  patience: Patience;
}

/** How long a connection may take to say what it wants. */
export interface Patience {
  start(ms: number): void;
  stop(): void;
}

export function createPatience(socket: Socket): Patience {
  let timer: NodeJS.Timeout | undefined;
  socket.once('close', () => clearTimeout(timer));
  return {
    start(ms) {
      clearTimeout(timer);
      if (socket.destroyed) return;
      timer = setTimeout(() => socket.destroy(), ms);
    },
    stop: () => clearTimeout(timer),
  };
}
