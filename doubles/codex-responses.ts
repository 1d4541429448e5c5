/** Stands in for OpenAI's Responses API: on chatgpt.com for subscriptions, on api.openai.com for API keys. */

import { randomBytes } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { fieldsOf, listOf, textOf } from './fields.ts';
import {
  bearerOf,
  type Caller,
  createModelHandler,
  type Dialect,
  frame,
  type Question,
  type Refusal,
  refuse,
  tokensIn,
} from './model.ts';
import { at, type Part } from './part.ts';
import type { DoublesState } from './state.ts';

const provider = 'openai_codex';
const subscriptionHost = 'chatgpt.com';
const apiHost = 'api.openai.com';
const metricsHost = 'ab.chatgpt.com';
const limitResetsInS = 3 * 3600;

function apiError(status: number, code: string, message: string, rest: Record<string, unknown> = {}): Refusal {
  return { status, body: { error: { message, type: code, code, param: null, ...rest } } };
}

function unauthorised(caller: Caller): Refusal {
  return caller === 'api_key'
    ? {
        status: 401,
        body: {
          error: {
            message:
              'Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.',
            type: 'invalid_request_error',
            code: 'invalid_api_key',
            param: null,
          },
        },
      }
    : apiError(401, 'token_expired', 'Provided authentication token is expired. Please try signing in again.');
}

function limitReached(state: DoublesState, caller: Caller): Refusal {
  if (caller === 'api_key')
    return apiError(429, 'insufficient_quota', 'You exceeded your current quota, please check your plan.');
  return apiError(429, 'usage_limit_reached', 'The usage limit has been reached', {
    plan_type: state.accounts[provider].plan,
    resets_at: Math.floor(Date.now() / 1000) + limitResetsInS,
    resets_in_seconds: limitResetsInS,
  });
}

/** Text of the last thing the person said; the tool's own context comes in messages before it. */
function questionOf(request: FastifyRequest): Question {
  const body = fieldsOf(request.body);
  const last = listOf(body, 'input').findLast((item) => item.role === 'user');
  const parts = last ? listOf(last, 'content').map((part) => textOf(part, 'text')) : [];
  return { prompt: parts.filter(Boolean).join('\n'), model: textOf(body, 'model'), stream: true };
}

const newId = (kind: string) => `${kind}_${randomBytes(16).toString('hex')}`;

async function* events({ model, prompt }: Question, pieces: AsyncIterable<string>): AsyncGenerator<string> {
  const id = newId('resp');
  const itemId = newId('msg');
  const message = { type: 'message', id: itemId, role: 'assistant' };
  const place = { item_id: itemId, output_index: 0, content_index: 0 };
  let count = 0;
  const numbered = (type: string, data: Record<string, unknown>) =>
    frame({ type, sequence_number: count++, ...data }, type);

  yield numbered('response.created', {
    response: { id, object: 'response', status: 'in_progress', model, output: [] },
  });
  yield numbered('response.output_item.added', {
    output_index: 0,
    item: { ...message, status: 'in_progress', content: [] },
  });
  let text = '';
  for await (const piece of pieces) {
    text += piece;
    yield numbered('response.output_text.delta', { ...place, delta: piece });
  }
  const item = { ...message, status: 'completed', content: [{ type: 'output_text', text, annotations: [] }] };
  yield numbered('response.output_text.done', { ...place, text });
  yield numbered('response.output_item.done', { output_index: 0, item });
  const input = tokensIn(prompt);
  const output = tokensIn(text);
  yield numbered('response.completed', {
    response: {
      id,
      object: 'response',
      status: 'completed',
      model,
      output: [item],
      usage: {
        input_tokens: input,
        input_tokens_details: { cached_tokens: 0 },
        output_tokens: output,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: input + output,
      },
    },
  });
}

function dialectOf(state: DoublesState, caller: Caller): Dialect {
  const known = (token: string) =>
    caller === 'api_key' ? state.apiKeys[provider].has(token) : state.tokens.standing(provider, token) === 'good';
  return {
    provider,
    product: 'Codex',
    authorise: (request) => (known(bearerOf(request)) ? caller : unauthorised(caller)),
    questionOf,
    refusals: () => ({
      401: unauthorised(caller),
      429: limitReached(state, caller),
      500: apiError(500, 'server_error', 'The server had an error while processing your request.'),
    }),
    events,
    whole: () => ({}),
  };
}

export function addCodexResponses({ server, state }: Part): void {
  const places = [
    { host: subscriptionHost, path: '/backend-api/codex/responses', caller: 'oauth' },
    { host: apiHost, path: '/v1/responses', caller: 'api_key' },
  ] as const;
  for (const { host, path, caller } of places) {
    server.post(path, at(host), createModelHandler(state, dialectOf(state, caller)));
    // The tool tries a WebSocket first and takes this as: use server-sent events.
    server.get(path, at(host), (_request, reply) =>
      refuse(reply, apiError(426, 'upgrade_required', 'WebSocket is not offered here.')),
    );
  }

  server.get('/backend-api/wham/accounts/check', at(subscriptionHost), (request, reply) => {
    if (state.tokens.standing(provider, bearerOf(request)) !== 'good') return refuse(reply, unauthorised('oauth'));
    const { accountId, plan } = state.accounts[provider];
    const anywhere = { workspace_backend_origin: 'NO_CONSTRAINT', account_routing_override: 'NO_CONSTRAINT' };
    return reply.send({
      accounts: [{ id: accountId, plan_type: plan, structure: 'personal', name: null, ...anywhere }],
      account_ordering: [accountId],
      default_account_id: accountId,
    });
  });

  // Metrics: taken and forgotten.
  server.post('/*', at(metricsHost), (_request, reply) => reply.code(202).send({ success: true }));
}
