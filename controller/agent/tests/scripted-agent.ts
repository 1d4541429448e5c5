/** An HTTP server that answers as a test says, for the ways in which an agent can misbehave. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { type AgentClient, createAgentClient } from '../client.ts';

export const token = 'a token that is long enough, for tests';

export type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

export interface ScriptedAgent {
  client: AgentClient;
  /** `METHOD path` of each request so far. */
  asked: string[];
  endpoint: { host: string; port: number };
}

export async function startScriptedAgent(
  t: TestContext,
  answer: Answer,
  { requestMs = 10_000 } = {},
): Promise<ScriptedAgent> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (part: string) => {
      body += part;
    });
    request.on('end', () => answer(request, response, body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const endpoint = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  const client = createAgentClient({ endpoint, token }, { requestMs, resumeDelaysMs: [1, 2, 3] });
  return { client, asked, endpoint };
}
