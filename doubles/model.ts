/** The order in which every model endpoint works: who asks, what is asked, does it fail, stream the answer. */

import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProviderId } from '@polydev/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { answerTo, piecesOf } from './answers.ts';
import { behaviourAskedFor } from './behaviour.ts';
import type { DoublesState } from './state.ts';

export interface Refusal {
  status: number;
  headers?: Readonly<Record<string, string>>;
  body: unknown;
}

export type Caller = 'oauth' | 'api_key';

export interface Question {
  prompt: string;
  model: string;
  /** False when the tool wants one JSON document instead of events. */
  stream: boolean;
  /** Answers what the tool asks for itself; not remembered as a prompt. */
  fixedAnswer?: string;
}

/** How one provider's model endpoint speaks. */
export interface Dialect {
  provider: ProviderId;
  product: string;
  /** The caller, or why it is refused. */
  authorise(request: FastifyRequest): Caller | Refusal;
  questionOf(request: FastifyRequest): Question;
  refusals(caller: Caller): Record<'401' | '429' | '500', Refusal>;
  /** Server-sent events, already framed. */
  events(question: Question, pieces: AsyncIterable<string>): AsyncIterable<string>;
  whole(question: Question, text: string): unknown;
}

const slowDeltaMs = 1000;

export function refuse(reply: FastifyReply, { status, headers, body }: Refusal): FastifyReply {
  return reply
    .code(status)
    .headers(headers ?? {})
    .type('application/json')
    .send(JSON.stringify(body));
}

export function frame(data: unknown, event?: string): string {
  return `${event ? `event: ${event}\n` : ''}data: ${JSON.stringify(data)}\n\n`;
}

/** Tools count by their own rules; four bytes a token is near enough. */
export function tokensIn(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4);
}

async function* paced(answer: string, deltaMs: number): AsyncGenerator<string> {
  for (const piece of piecesOf(answer)) {
    if (deltaMs > 0) await sleep(deltaMs, undefined, { ref: false });
    yield piece;
  }
}

/** Node frames the chunks; a reader that goes away ends the generator. */
function stream(reply: FastifyReply, events: AsyncIterable<string>): FastifyReply {
  const headers = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' };
  return reply
    .code(200)
    .headers(headers)
    .send(Readable.from(events, { highWaterMark: 1 }));
}

function drop(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.hijack();
  request.raw.socket.destroy();
  return reply;
}

export function createModelHandler(state: DoublesState, dialect: Dialect) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const behaviour = state.behaviour[dialect.provider];
    if (behaviour.model === 'down') return drop(request, reply);
    const caller = dialect.authorise(request);
    if (typeof caller !== 'string') return refuse(reply, caller);

    const question = dialect.questionOf(request);
    const { prompt, model, fixedAnswer } = question;
    const email = state.tokens.accountOf(bearerOf(request))?.email;
    if (fixedAnswer === undefined)
      state.prompts.push({ provider: dialect.provider, prompt, model, via: caller, email, atMs: Date.now() });

    const acting = (fixedAnswer === undefined && behaviourAskedFor(prompt)) || behaviour.model;
    if (acting === 'down') return drop(request, reply);
    if (acting === '401' || acting === '429' || acting === '500')
      return refuse(reply, dialect.refusals(caller)[acting]);
    if (acting === 'garbage')
      return reply.type('text/event-stream').send('data: <html>This is not what you wanted.</html>\n\n');

    const answer = fixedAnswer ?? answerTo(prompt, dialect.product, behaviour.answerBytes);
    if (!question.stream) return reply.send(dialect.whole(question, answer));
    const deltaMs = acting === 'slow' ? slowDeltaMs : behaviour.deltaMs;
    return stream(reply, dialect.events(question, paced(answer, deltaMs)));
  };
}

export function bearerOf(request: FastifyRequest): string {
  return /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
}

export function headerOf(request: FastifyRequest, name: string): string {
  const value = request.headers[name];
  return typeof value === 'string' ? value : '';
}
