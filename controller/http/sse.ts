/** Server-sent events: `id:` is the number of the event, a comment keeps a quiet connection open. */

import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { limits, PolydevError, type SequencedEvent } from '@polydev/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { EventStream } from '../services.ts';

export const EventsQuery = Type.Object({
  after: Type.Optional(
    Type.Integer({
      minimum: 0,
      description: 'Only what comes after the event with this number; so does Last-Event-ID.',
    }),
  ),
});

/** Where the client left off. The header wins: a browser that reconnects repeats the address with an old `after`. */
export function resumeAfter(request: FastifyRequest, after: number | undefined): number {
  const last = request.headers['last-event-id'];
  return typeof last === 'string' && /^\d{1,9}$/.test(last) ? Number(last) : (after ?? 0);
}

/** Aborts with `unavailable` when the client goes away, or has an answer already; or when the server closes if that is given. */
export function untilGone(reply: FastifyReply, closing?: AbortSignal): AbortSignal {
  const gone = new AbortController();
  const leave = () => gone.abort(new PolydevError('unavailable', 'Nobody waits for this answer any more.'));
  if (reply.raw.writableEnded || reply.raw.destroyed) leave();
  reply.raw.once('close', leave);
  return closing ? AbortSignal.any([gone.signal, closing]) : gone.signal;
}

/** Where nothing new will come, an empty stream is 204, which tells browsers not to reconnect. */
export async function sendEvents<E>(reply: FastifyReply, stream: EventStream<E>): Promise<FastifyReply> {
  const iterator = stream[Symbol.asyncIterator]();
  const first = stream.ended ? await iterator.next() : undefined;
  if (first?.done) return reply.code(204).send();
  const body = new PassThrough();
  body.write(': stream\n\n');
  void pour(iterator, body, first?.value);
  reply.header('content-type', 'text/event-stream; charset=utf-8');
  reply.header('cache-control', 'no-store');
  reply.header('x-accel-buffering', 'no');
  return reply.send(body);
}

async function pour<E>(
  iterator: AsyncIterator<SequencedEvent<E>>,
  body: PassThrough,
  first: SequencedEvent<E> | undefined,
): Promise<void> {
  const heartbeat = setInterval(() => {
    if (!body.writableNeedDrain) body.write(': still here\n\n');
  }, limits.streamHeartbeatMs);
  const closed = once(body, 'close').catch(() => {});
  try {
    let item = first ?? (await nextOf(iterator));
    while (item && !body.destroyed) {
      if (!body.write(`id: ${item.seq}\ndata: ${JSON.stringify(item)}\n\n`))
        await Promise.race([once(body, 'drain').catch(() => {}), closed]);
      item = await nextOf(iterator);
    }
    body.end();
  } catch (error) {
    // The client sees a broken stream and asks again from where it was.
    body.destroy(error instanceof Error ? error : undefined);
  } finally {
    clearInterval(heartbeat);
    await iterator.return?.();
  }
}

async function nextOf<E>(iterator: AsyncIterator<SequencedEvent<E>>): Promise<SequencedEvent<E> | undefined> {
  const { done, value } = await iterator.next();
  return done ? undefined : value;
}
