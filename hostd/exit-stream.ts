/**
 * Ends of sandboxes, told once each although the connection that tells them may break: after every connect hostd
 * says who lives, and whoever was known and does not, has died in between.
 */

import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SandboxExit, SandboxId } from '@polydev/protocol';
import { Value } from 'typebox/value';
import { EventLine } from './wire.ts';

export interface ExitStream {
  listen(listener: (exit: SandboxExit) => void): () => void;
  /** Resolves when every end from now on will be told, or hostd is not there to tell any. */
  connected(): Promise<void>;
  /** This one was created just now. */
  lives(id: SandboxId): void;
  /** This one is being destroyed by ourselves. */
  leaves(id: SandboxId): void;
  close(): void;
}

const againMs = 250;
/** From the attempt to connect to the first line. */
const connectMs = 10_000;

/** Connects when the first listener comes and stays until it is closed. */
export function followExits(deps: {
  open: (path: string, signal: AbortSignal) => Promise<IncomingMessage>;
}): ExitStream {
  const listeners = new Set<(exit: SandboxExit) => void>();
  const known = new Set<SandboxId>();
  const leaving = new Set<SandboxId>();
  const closed = new AbortController();
  let attempt: PromiseWithResolvers<void> | undefined;

  function tell(exit: SandboxExit): void {
    known.delete(exit.id);
    leaving.delete(exit.id);
    for (const listener of [...listeners]) listener(exit);
  }

  async function followOnce(): Promise<void> {
    const before = new Set(known);
    const mute = new AbortController();
    const patience = setTimeout(() => mute.abort(), connectMs);
    attempt?.promise.then(() => clearTimeout(patience));
    const answer = await deps.open('/events', AbortSignal.any([closed.signal, mute.signal]));
    for await (const text of createInterface({ input: answer })) {
      const line: unknown = JSON.parse(text);
      if (!Value.Check(EventLine, line)) continue;
      if (line.type === 'exit') tell({ id: line.id, reason: line.reason });
      else {
        const living = new Set(line.ids);
        for (const id of before) if (!living.has(id)) tell({ id, reason: leaving.has(id) ? 'destroyed' : 'died' });
        for (const id of living) known.add(id);
        attempt?.resolve();
      }
    }
  }

  async function follow(): Promise<void> {
    while (!closed.signal.aborted) {
      attempt = Promise.withResolvers<void>();
      await followOnce().catch(() => undefined); // not there, or broken: who died meanwhile is found at the next one
      attempt.resolve();
      await sleep(againMs, undefined, { signal: closed.signal, ref: false }).catch(() => undefined);
    }
  }

  return {
    listen(listener) {
      listeners.add(listener);
      if (!attempt) void follow();
      return () => void listeners.delete(listener);
    },
    connected: () => attempt?.promise ?? Promise.resolve(),
    lives: (id) => void known.add(id),
    leaves(id) {
      if (known.has(id)) leaving.add(id);
    },
    close: () => closed.abort(),
  };
}
