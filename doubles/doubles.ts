/** Builds the doubles: one TLS server that answers for every provider, told apart by Host. */

import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import { type AccountOverrides, createAccounts } from './accounts.ts';
import { type ApiKeyOverrides, createApiKeys, createKeyMaker } from './api-keys.ts';
import { type BehaviourOverrides, createBehaviour } from './behaviour.ts';
import { acceptBodies } from './bodies.ts';
import { keptCertificates } from './certificates.ts';
import { addClaude, claudeHosts } from './claude.ts';
import { addClaudeMessages } from './claude-messages.ts';
import { addCodex, codexHosts } from './codex.ts';
import { addCodexDevice } from './codex-device.ts';
import { addCodexResponses } from './codex-responses.ts';
import { addGemini, geminiHosts } from './gemini.ts';
import { addGeminiContent } from './gemini-content.ts';
import { createGrants } from './grants.ts';
import { createJwtSigner } from './jwt.ts';
import { noMemory, openMemory } from './memory.ts';
import type { DoublesState } from './state.ts';
import { createTokens } from './tokens.ts';

/** One answered request. No query: it may carry codes. */
export interface SeenRequest {
  method: string;
  host: string;
  path: string;
  status: number;
}

export interface DoublesOptions {
  /** Address to listen on. */
  host?: string;
  /** 0 takes a free one. */
  port?: number;
  behaviour?: BehaviourOverrides;
  accounts?: AccountOverrides;
  apiKeys?: ApiKeyOverrides;
  /** Where certificates and what was given out outlive the process; without it, nothing does. */
  folder?: string;
  onRequest?: (seen: SeenRequest) => void;
  /** The time that its certificates are made for, for a server or a client whose clock is wrong. */
  certificatesAtMs?: number;
}

export interface Doubles {
  address: string;
  port: number;
  /** The throw-away authority that clients must trust. */
  caPem: string;
  /** Every provider name they stand for. */
  hosts: readonly string[];
  state: DoublesState;
  close(): Promise<void>;
}

export const doubledHosts: readonly string[] = [...claudeHosts, ...codexHosts, ...geminiHosts];

const providerParts = [
  addClaude,
  addClaudeMessages,
  addCodex,
  addCodexDevice,
  addCodexResponses,
  addGemini,
  addGeminiContent,
];

/** Prompts, and what the tools send around them, may be large. */
const bodyLimitBytes = 64 * 1024 * 1024;

export async function startDoubles(options: DoublesOptions = {}): Promise<Doubles> {
  const { host = '127.0.0.1', port = 0, onRequest } = options;
  const memory = options.folder === undefined ? noMemory : openMemory(options.folder);
  const certificates = await keptCertificates(doubledHosts, memory, options.certificatesAtMs);
  const accounts = createAccounts(options.accounts);
  const behaviour = createBehaviour(options.behaviour);
  const apiKeys = createApiKeys(options.apiKeys ?? {}, memory);
  const makeApiKey = createKeyMaker(apiKeys, memory);
  const now = Date.now;
  const tokens = createTokens({ now, sign: createJwtSigner(), accounts, behaviour, memory });
  const grants = createGrants({ now });
  const secrets = () => [...tokens.all(), ...grants.all(), ...Object.values(apiKeys).flatMap((keys) => [...keys])];
  const state: DoublesState = { behaviour, accounts, apiKeys, makeApiKey, tokens, prompts: [], secrets };

  const server = Fastify({
    https: { key: certificates.keyPem, cert: certificates.certificatePem },
    bodyLimit: bodyLimitBytes,
    forceCloseConnections: true,
  });
  acceptBodies(server);
  if (onRequest)
    server.addHook('onResponse', async (request, reply) => {
      const [path = ''] = request.url.split('?');
      onRequest({ method: request.method, host: request.hostname, path, status: reply.statusCode });
    });
  const part = { server, state, grants };
  for (const add of providerParts) add(part);

  await server.listen({ host, port });
  const [bound] = server.addresses() as AddressInfo[];
  if (!bound) throw new Error('The server listens, but on no address.');
  return {
    address: bound.address,
    port: bound.port,
    caPem: certificates.caPem,
    hosts: doubledHosts,
    state,
    close: () => server.close(),
  };
}
