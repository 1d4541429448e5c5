/** hostd's other end: a driver whose sandboxes are made by hostd. */

import { Agent, type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';
import type { Driver } from '@polydev/drivers/contract';
import { isErrorCode, PolydevError, type SandboxExit, type SandboxId } from '@polydev/protocol';
import type { HostdEvent } from './wire.ts';

export interface HostdClient extends Driver {
  /** Ends the stream of exits. */
  close(): void;
}

/** Between two tries to reach hostd again. */
const reconnectMs = 500;

export function createHostdClient(options: { socketPath: string }): HostdClient {
  const { socketPath } = options;
  const agent = new Agent({ keepAlive: true });
  const listeners = new Set<(exit: SandboxExit) => void>();
  /** Whom hostd has told us of; who is missing after a reconnection has died meanwhile. */
  const known = new Set<SandboxId>();
  let stream: IncomingMessage | undefined;
  let reconnecting: NodeJS.Timeout | undefined;
  let closed = false;
  let following = false;

  function ask(method: string, path: string, body?: unknown): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const headers =
        text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
      const outgoing = request({ socketPath, agent, method, path, headers }, resolve);
      outgoing.on('error', (cause) =>
        reject(new PolydevError('unavailable', 'The host service does not answer.', { cause })),
      );
      outgoing.end(text);
    });
  }

  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await ask(method, path, body);
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    const status = response.statusCode ?? 500;
    if (status === 204) return undefined as T;
    const answer: unknown = JSON.parse(text);
    if (status >= 400) throw errorOf(answer);
    return answer as T;
  }

  function ended(exit: SandboxExit): void {
    known.delete(exit.id);
    for (const listener of [...listeners]) listener(exit);
  }

  async function follow(): Promise<void> {
    try {
      stream = await ask('GET', '/events');
      for await (const line of createInterface({ input: stream })) take(JSON.parse(line));
    } catch {
      // Without hostd there are no exits to hear of; the next connection says who is left.
    }
    if (closed) return;
    reconnecting = setTimeout(() => void follow(), reconnectMs);
  }

  function take(event: HostdEvent): void {
    if (event.type === 'exit') {
      ended(event.exit);
      return;
    }
    const alive = new Set(event.ids);
    for (const id of [...known]) if (!alive.has(id)) ended({ id, reason: 'died' });
    for (const id of alive) known.add(id);
  }

  const one = (id: SandboxId, what: string) => `/sandboxes/${encodeURIComponent(id)}/${what}`;
  const client: HostdClient = {
    name: 'hostd',
    preflight: () => call('GET', '/preflight'),
    features: () => call('GET', '/features'),
    async create(spec) {
      const address = await call<Awaited<ReturnType<Driver['create']>>>('POST', '/sandboxes', spec);
      known.add(spec.id);
      return address;
    },
    address: (id) => call('GET', one(id, 'address')),
    pause: (id) => call('POST', one(id, 'pause')),
    resume: (id) => call('POST', one(id, 'resume')),
    snapshot: async (id) => (await call<{ snapshot: string }>('POST', one(id, 'snapshot'))).snapshot,
    restore: (snapshot, spec) => call('POST', '/restore', { snapshot, spec }),
    destroy: (id) => call('POST', one(id, 'destroy')),
    list: () => call('GET', '/sandboxes'),
    console: async (id) => (await call<{ console: string }>('GET', one(id, 'console'))).console,
    onExit(listener) {
      listeners.add(listener);
      if (!following) void follow();
      following = true;
      return () => listeners.delete(listener);
    },
    close() {
      closed = true;
      clearTimeout(reconnecting);
      stream?.destroy();
      agent.destroy();
    },
  };
  return client;
}

function errorOf(answer: unknown): PolydevError {
  const { error } = (answer ?? {}) as { error?: { code?: unknown; message?: unknown } };
  const code = isErrorCode(error?.code) ? error.code : 'internal';
  return new PolydevError(code, typeof error?.message === 'string' ? error.message : 'The host service failed.');
}
