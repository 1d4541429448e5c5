/** The agent's routes, as protocol/agent.ts lists them. */

import type { AgentHealth } from '@polydev/protocol';
import {
  type AgentEvent,
  Claim,
  ExecRequest,
  limits,
  PolydevError,
  Preparation,
  RestoreCredential,
} from '@polydev/protocol';
import type { Claims } from './claim/claim.ts';
import type { EventLog } from './events/event-log.ts';
import type { Executions } from './exec/executions.ts';
import { readBody, sendJson, sendNothing } from './http/body.ts';
import { streamLog } from './http/ndjson.ts';
import type { Routes } from './http/server.ts';

const smallBodyBytes = 128 * 1024;
const sealedBodyBytes = 4 * limits.credentialBytes;
/** In JSON the prompt may take six times its length. */
const execBodyBytes = 8 * limits.promptChars;

export function createRoutes(deps: {
  health: () => AgentHealth;
  claims: Claims;
  events: EventLog<AgentEvent>;
  executions: Executions;
  journal: () => Promise<string>;
}): Routes {
  const { claims, executions } = deps;
  return {
    'GET /health': ({ response }) => sendJson(response, 200, deps.health()),
    'POST /prepare': async ({ request, response }) => {
      claims.prepare(await readBody(request, Preparation, smallBodyBytes));
      sendNothing(response, 204);
    },
    'POST /claim': async ({ request, response }) =>
      sendJson(response, 200, claims.claim(await readBody(request, Claim, smallBodyBytes))),
    'GET /events': ({ response, query }) => streamLog(deps.events, numberOf(query), response),

    'POST /credential/restore': async ({ request, response }) => {
      const { sealed } = await readBody(request, RestoreCredential, sealedBodyBytes);
      claims.required().restore(sealed);
      sendNothing(response, 204);
    },
    'POST /credential/collect': ({ response }) => {
      const { credential, seal } = claims.required();
      sendJson(response, 200, credential.collect(seal));
    },

    'POST /exec': async ({ request, response }) => {
      const body = await readBody(request, ExecRequest, execBodyBytes);
      claims.required();
      executions.start(body);
      sendNothing(response, 202);
    },
    'GET /exec/:id/events': ({ response, id, query }) => streamLog(executions.log(id), numberOf(query), response),
    'DELETE /exec': async ({ response }) => {
      await executions.stopAll();
      sendNothing(response, 204);
    },
    'DELETE /exec/:id': ({ response, id }) => {
      executions.cancel(id);
      sendNothing(response, 204);
    },

    'GET /journal': async ({ response }) => sendJson(response, 200, { text: await deps.journal() }),
  };
}

function numberOf(query: URLSearchParams): number {
  const text = query.get('after') ?? '0';
  if (!/^\d{1,15}$/.test(text)) throw new PolydevError('invalid_request', '`after` is not a number.');
  return Number(text);
}
