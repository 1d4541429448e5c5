/** HTTP to one agent: a connection for each request, bounded in time and size, never following anywhere else. */

import { type IncomingMessage, request } from 'node:http';
import { type Endpoint, limits, PolydevError } from '@polydev/protocol';

const maxAnswerBytes = 4 * limits.credentialBytes;
const maxErrorBytes = 512;
/** How soon the kernel looks whether the other end of a quiet stream is still there. */
const keepAliveMs = 5_000;

export interface AgentAddress {
  endpoint: Endpoint;
  token: string;
}

export interface AgentHttp {
  /** The body of a 2xx answer. */
  ask(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<string>;
  /** The answer to a GET once its head is there; its body has no time limit. */
  open(path: string, signal: AbortSignal): Promise<IncomingMessage>;
}

export function createAgentHttp(address: AgentAddress, requestMs: number = limits.agentRequestMs): AgentHttp {
  /** Resolves when the head is there and is 2xx. */
  function send(method: string, path: string, body: unknown, signal: AbortSignal): Promise<IncomingMessage> {
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    return new Promise((resolve, reject) => {
      const outgoing = request({
        host: address.endpoint.host,
        port: address.endpoint.port,
        method,
        path,
        agent: false,
        signal,
        headers: {
          authorization: `Bearer ${address.token}`,
          ...(payload && { 'content-type': 'application/json', 'content-length': payload.length }),
        },
      });
      outgoing.setNoDelay(true);
      outgoing.setSocketKeepAlive(true, keepAliveMs);
      outgoing.once('error', (cause) => reject(unreachable(cause)));
      outgoing.once('response', (answer) => {
        // After the head, the reader of the body hears of a broken connection.
        outgoing.on('error', () => {});
        answer.on('error', () => {});
        const status = answer.statusCode ?? 0;
        if (status >= 200 && status < 300) resolve(answer);
        else void refusal(method, path, status, answer).then(reject);
      });
      outgoing.end(payload);
    });
  }

  return {
    async ask(method, path, body) {
      const answer = await send(method, path, body, AbortSignal.timeout(requestMs));
      try {
        return await readText(answer, maxAnswerBytes);
      } catch (cause) {
        throw cause instanceof PolydevError ? cause : unreachable(cause);
      }
    },

    async open(path, signal) {
      const tooSlow = new AbortController();
      const timer = setTimeout(() => tooSlow.abort(), requestMs);
      try {
        return await send('GET', path, undefined, AbortSignal.any([signal, tooSlow.signal]));
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

async function readText(answer: IncomingMessage, maxBytes: number): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of answer as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > maxBytes)
      throw new PolydevError('agent_talks_nonsense', 'The sandbox sent an answer that is too long.');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

async function refusal(method: string, path: string, status: number, answer: IncomingMessage): Promise<PolydevError> {
  const text = await readText(answer, maxErrorBytes).catch(() => '(unreadable)');
  answer.destroy();
  return new PolydevError('agent_talks_nonsense', 'The sandbox refused what it was asked.', {
    cause: new Error(`${method} ${path}: ${status} ${text}`),
    details: { status },
  });
}

function unreachable(cause: unknown): PolydevError {
  return new PolydevError('agent_unreachable', 'The sandbox does not answer.', { cause });
}
