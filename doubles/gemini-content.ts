/** Stands in for Google's models: Code Assist for Google accounts, the Gemini API for API keys. */

import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
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
  refuse,
  tokensIn,
} from './model.ts';
import { at, type Part } from './part.ts';

const provider = 'google_gemini';
const accountHost = 'cloudcode-pa.googleapis.com';
const keyHost = 'generativelanguage.googleapis.com';
const metricsHost = 'play.googleapis.com';

function apiError(code: number, status: string, message: string, details: unknown[] = []): Refusal {
  return { status: code, body: { error: { code, message, status, details } } };
}

function errorInfo(reason: string) {
  return { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'googleapis.com' };
}

/** Google calls a wrong key a bad request. */
function unauthorised(caller: Caller): Refusal {
  return caller === 'api_key'
    ? apiError(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', [
        errorInfo('API_KEY_INVALID'),
      ])
    : apiError(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.');
}

const limitReached = apiError(429, 'RESOURCE_EXHAUSTED', 'You exceeded your current quota, please check your plan.', [
  {
    '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
    violations: [
      {
        quotaMetric: 'generativelanguage.googleapis.com/generate_content_requests',
        quotaId: 'GenerateRequestsPerDayPerProjectPerModel',
      },
    ],
  },
]);

/** What the tool asks on its own account, recognised by the JSON it wants back. */
function fixedAnswer(inner: Fields): string | undefined {
  const config = fieldsOf(inner.generationConfig);
  if (textOf(config, 'responseMimeType') !== 'application/json') return undefined;
  const schema = JSON.stringify(config.responseJsonSchema ?? config.responseSchema ?? {});
  return schema.includes('next_speaker')
    ? JSON.stringify({ reasoning: 'The answer is complete.', next_speaker: 'user' })
    : JSON.stringify({ complexity_reasoning: 'A simple question.', complexity_score: 10 });
}

/** The tool tells the model where it runs, in front of what the person wrote. */
const ownContext = /<session_context>[\s\S]*?<\/session_context>/;

function questionOf(inner: Fields, model: string, stream: boolean): Question {
  const last = listOf(inner, 'contents').findLast((content) => content.role === 'user');
  const parts = last ? listOf(last, 'parts').map((part) => textOf(part, 'text')) : [];
  const prompt = parts.join('\n').replace(ownContext, '').trim();
  return { prompt, model, stream, fixedAnswer: fixedAnswer(inner) };
}

/** The model and the verb of `/v1beta/models/<model>:<verb>`. */
function modelAndVerb(request: FastifyRequest): [string, string] {
  const [model = '', verb = ''] = textOf(fieldsOf(request.params), '*').split(':');
  return [model, verb];
}

function content(prompt: string, text: string, soFar: string, last: boolean, modelVersion: string) {
  const usageMetadata = {
    promptTokenCount: tokensIn(prompt),
    candidatesTokenCount: tokensIn(soFar),
    totalTokenCount: tokensIn(prompt) + tokensIn(soFar),
  };
  const candidate = {
    index: 0,
    content: { role: 'model', parts: [{ text }] },
    ...(last ? { finishReason: 'STOP' } : {}),
  };
  return { candidates: [candidate], usageMetadata, modelVersion, responseId: randomUUID() };
}

/** Code Assist wraps each answer once more. */
type Wrap = (answer: unknown) => unknown;

async function* events(wrap: Wrap, { prompt, model }: Question, pieces: AsyncIterable<string>) {
  let soFar = '';
  for await (const piece of pieces) {
    soFar += piece;
    yield frame(wrap(content(prompt, piece, soFar, false, model)));
  }
  yield frame(wrap(content(prompt, '', soFar, true, model)));
}

function dialectOf(
  caller: Caller,
  wrap: Wrap,
  known: (request: FastifyRequest) => boolean,
  asked: (request: FastifyRequest) => Question,
): Dialect {
  return {
    provider,
    product: 'Gemini',
    authorise: (request) => (known(request) ? caller : unauthorised(caller)),
    questionOf: asked,
    refusals: () => ({
      401: unauthorised(caller),
      429: limitReached,
      500: apiError(500, 'INTERNAL', 'An internal error has occurred.'),
    }),
    events: (question, pieces) => events(wrap, question, pieces),
    whole: (question, text) => wrap(content(question.prompt, text, text, true, question.model)),
  };
}

export function addGeminiContent(part: Part): void {
  addAccountModels(part);
  addKeyModels(part);
  // Metrics: taken and forgotten.
  part.server.post('/*', at(metricsHost), (_request, reply) => reply.code(200).send({}));
}

function addAccountModels({ server, state }: Part): void {
  const known = (request: FastifyRequest) => state.tokens.standing(provider, bearerOf(request)) === 'good';
  const wrap: Wrap = (response) => ({ response, traceId: randomUUID() });
  for (const verb of ['streamGenerateContent', 'generateContent']) {
    const dialect = dialectOf('oauth', wrap, known, (request) => {
      const body = fieldsOf(request.body);
      return questionOf(fieldsOf(body.request), textOf(body, 'model'), verb === 'streamGenerateContent');
    });
    server.post(`/v1internal::${verb}`, at(accountHost), createModelHandler(state, dialect));
  }
  server.post('/v1internal::loadCodeAssist', at(accountHost), (request, reply) => {
    if (!known(request)) return refuse(reply, unauthorised('oauth'));
    const { plan, organisationId } = state.accounts[provider];
    return reply.send({
      currentTier: { id: plan, name: 'Gemini Code Assist' },
      cloudaicompanionProject: organisationId,
    });
  });
}

function addKeyModels({ server, state }: Part): void {
  const dialect = (stream: boolean) =>
    dialectOf(
      'api_key',
      (response) => response,
      (request) => state.apiKeys[provider].has(keyOf(request)),
      (request) => questionOf(fieldsOf(request.body), modelAndVerb(request)[0], stream),
    );
  const handlers: Record<string, (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>> = {
    streamGenerateContent: createModelHandler(state, dialect(true)),
    generateContent: createModelHandler(state, dialect(false)),
    countTokens: async (request, reply) =>
      reply.send({ totalTokens: tokensIn(questionOf(fieldsOf(request.body), '', false).prompt) }),
  };
  server.post('/v1beta/models/*', at(keyHost), (request, reply) => {
    const [model, verb] = modelAndVerb(request);
    const handler = handlers[verb];
    return handler
      ? handler(request, reply)
      : refuse(reply, apiError(404, 'NOT_FOUND', `models/${model} does not offer ${verb}.`));
  });
}

function keyOf(request: FastifyRequest): string {
  return headerOf(request, 'x-goog-api-key') || textOf(fieldsOf(request.query), 'key');
}
