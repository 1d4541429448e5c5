/** Stands in for Anthropic's Messages API on api.anthropic.com. */

import { randomBytes } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { type Fields, fieldsOf, listOf, textOf } from './fields.ts';
import {
  bearerOf,
  type Caller,
  createModelHandler,
  type Dialect,
  frame,
  headerOf,
  type Question,
  type Refusal,
  tokensIn,
} from './model.ts';
import { at, type Part } from './part.ts';
import type { DoublesState } from './state.ts';

const provider = 'claude_code';
const host = 'api.anthropic.com';
const limitResetsInS = 3 * 3600;
/** Without it the tool tries ten times, for minutes. */
const noRetry = { 'x-should-retry': 'false' };

function apiError(status: number, type: string, message: string, headers: Record<string, string> = {}): Refusal {
  const requestId = `req_${randomBytes(12).toString('hex')}`;
  return {
    status,
    headers: { 'request-id': requestId, ...headers },
    body: { type: 'error', error: { type, message }, request_id: requestId },
  };
}

function authenticationError(caller: Caller): Refusal {
  const message =
    caller === 'api_key'
      ? 'invalid x-api-key'
      : 'OAuth token has expired. Please obtain a new token or refresh your existing token.';
  return apiError(401, 'authentication_error', message, noRetry);
}

function limitReached(caller: Caller): Refusal {
  if (caller === 'api_key')
    return apiError(429, 'rate_limit_error', "This request would exceed your account's rate limit.", {
      'retry-after': '60',
      ...noRetry,
    });
  return apiError(429, 'rate_limit_error', "This request would exceed your account's rate limit.", {
    'anthropic-ratelimit-unified-status': 'rejected',
    'anthropic-ratelimit-unified-representative-claim': 'five_hour',
    'anthropic-ratelimit-unified-reset': String(Math.floor(Date.now() / 1000) + limitResetsInS),
    ...noRetry,
  });
}

/** Why this account's token may not do what needs `scope`; nothing if it may. */
export function accountRefusal(state: DoublesState, token: string, scope: string): Refusal | undefined {
  if (state.tokens.standing(provider, token) !== 'good') return authenticationError('oauth');
  if (state.tokens.scopeOf(token).split(' ').includes(scope)) return undefined;
  return apiError(403, 'permission_error', `OAuth token does not meet scope requirement ${scope}`, noRetry);
}

function authorise(state: DoublesState, request: FastifyRequest): Caller | Refusal {
  const bearer = bearerOf(request);
  if (bearer) return accountRefusal(state, bearer, 'user:inference') ?? 'oauth';
  return state.apiKeys[provider].has(headerOf(request, 'x-api-key')) ? 'api_key' : authenticationError('api_key');
}

/** The tool puts reminders of its own beside what the person wrote. */
function promptOf(message: Fields | undefined): string {
  if (!message) return '';
  if (typeof message.content === 'string') return message.content;
  return listOf(message, 'content')
    .map((block) => textOf(block, 'text'))
    .filter((text) => text && !text.startsWith('<system-reminder>'))
    .join('\n');
}

function questionOf(request: FastifyRequest): Question {
  const body = fieldsOf(request.body);
  return {
    prompt: promptOf(listOf(body, 'messages').findLast((message) => message.role === 'user')),
    model: textOf(body, 'model'),
    stream: body.stream === true,
  };
}

const messageId = () => `msg_${randomBytes(12).toString('hex')}`;

async function* events({ model, prompt }: Question, pieces: AsyncIterable<string>): AsyncGenerator<string> {
  const inputTokens = tokensIn(prompt);
  const named = (data: { type: string } & Record<string, unknown>) => frame(data, data.type);
  yield named({
    type: 'message_start',
    message: {
      id: messageId(),
      type: 'message',
      role: 'assistant',
      model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { input_tokens: inputTokens, output_tokens: 1 },
    },
  });
  yield named({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } });
  let text = '';
  for await (const piece of pieces) {
    text += piece;
    yield named({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: piece } });
  }
  yield named({ type: 'content_block_stop', index: 0 });
  yield named({
    type: 'message_delta',
    delta: { stop_reason: 'end_turn', stop_sequence: null },
    usage: { input_tokens: inputTokens, output_tokens: tokensIn(text) },
  });
  yield named({ type: 'message_stop' });
}

function whole({ model, prompt }: Question, text: string) {
  return {
    id: messageId(),
    type: 'message',
    role: 'assistant',
    model,
    content: [{ type: 'text', text }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: tokensIn(prompt), output_tokens: tokensIn(text) },
  };
}

export function addClaudeMessages({ server, state }: Part): void {
  const dialect: Dialect = {
    provider,
    product: 'Claude',
    authorise: (request) => authorise(state, request),
    questionOf,
    refusals: (caller) => ({
      401: authenticationError(caller),
      429: limitReached(caller),
      500: apiError(500, 'api_error', 'Internal server error', noRetry),
    }),
    events,
    whole,
  };
  server.post('/v1/messages', at(host), createModelHandler(state, dialect));
  server.post('/v1/messages/count_tokens', at(host), (request) => ({
    input_tokens: tokensIn(questionOf(request).prompt),
  }));
}
