/** The other end of hostd's socket: a Driver like any other, for a process that has no rights. */

import { type IncomingMessage, request } from 'node:http';
import type { Driver } from '@polydev/drivers/contract';
import { limits, PolydevError, type SandboxAddress, type SandboxId } from '@polydev/protocol';
import { Value } from 'typebox/value';
import { followExits } from './exit-stream.ts';
import { fromWire, WireError } from './wire.ts';

export interface HostdClient extends Driver {
  /** Lets go of the socket. Sandboxes are not touched. */
  close(): void;
}

export interface HostdClientOptions {
  socketPath: string;
}

export function createHostdClient({ socketPath }: HostdClientOptions): HostdClient {
  const exits = followExits({ open: (path, signal) => open(path, signal) });

  function open(path: string, signal: AbortSignal): Promise<IncomingMessage> {
    return send('GET', path, undefined, signal);
  }

  function send(method: string, path: string, body: unknown, signal: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const payload = body === undefined ? undefined : JSON.stringify(body);
      const outgoing = request({
        socketPath,
        agent: false, // a kept connection could be one to a hostd that is no more
        method,
        path,
        signal,
        headers: payload === undefined ? {} : { 'content-type': 'application/json' },
      });
      outgoing.once('response', resolve);
      outgoing.once('error', (cause) => reject(unavailable(cause)));
      outgoing.end(payload);
    });
  }

  async function call<T>(
    method: string,
    path: string,
    body?: unknown,
    deadlineMs: number = limits.hostAnswerMs,
  ): Promise<T> {
    await exits.connected(); // so that whoever listens hears of everything that follows from this call
    const answer = await send(method, path, body, AbortSignal.timeout(deadlineMs));
    const text = await textOf(answer);
    if (answer.statusCode === 204) return undefined as T;
    const value: unknown = JSON.parse(text);
    if (answer.statusCode === 200) return value as T; // hostd is as trusted as this process; shapes were checked there
    throw Value.Check(WireError, value) ? fromWire(value) : unavailable(new Error(text.slice(0, 500)));
  }

  async function make(id: SandboxId, path: string, body: unknown): Promise<SandboxAddress> {
    const address = await call<SandboxAddress>('POST', path, body, limits.hostCreateMs);
    exits.lives(id);
    return address;
  }

  return {
    name: 'hostd',
    preflight: () =>
      call<Awaited<ReturnType<Driver['preflight']>>>('GET', '/preflight').catch((error: unknown) => [
        {
          name: 'host service',
          ok: false,
          needed: true,
          found: error instanceof Error ? error.message : String(error),
          remedy: 'Start Polydev with `polydev up`.',
        },
      ]),
    features: () => call('GET', '/features'),
    memory: () => call('GET', '/memory'),
    create: (spec) => make(spec.id, '/sandboxes', spec),
    restore: (snapshot, spec) => make(spec.id, '/restore', { snapshot, spec }),
    list: () => call('GET', '/sandboxes'),
    address: (id) => call('GET', `/sandboxes/${id}/address`),
    pause: (id) => call('POST', `/sandboxes/${id}/pause`),
    resume: (id) => call('POST', `/sandboxes/${id}/resume`),
    snapshot: async (id) => (await call<{ snapshot: string }>('POST', `/sandboxes/${id}/snapshot`)).snapshot,
    destroy(id) {
      exits.leaves(id);
      return call('DELETE', `/sandboxes/${id}`);
    },
    console: async (id) => (await call<{ text: string }>('GET', `/sandboxes/${id}/console`)).text,
    onExit: exits.listen,
    close: exits.close,
  };
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of answer) chunks.push(chunk);
  } catch (cause) {
    throw unavailable(cause);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function unavailable(cause: unknown): PolydevError {
  return new PolydevError('unavailable', 'The host service does not answer.', { cause });
}
