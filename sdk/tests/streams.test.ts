import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPolydev } from '../index.ts';
import { json, sse, startServer } from './server.ts';

const timeout = 10_000;
const text = (value: string) => ({ type: 'event', event: { type: 'text', text: value } });
const state = (value: string) => ({ type: 'state', state: value, reason: null });

test('a run’s events come in order and end with it', { timeout }, async (t) => {
  const { baseUrl } = await startServer(t, (_, response) => {
    sse(response, 1, state('running'));
    sse(response, 2, text('a\nb'));
    response.write(': still here\n\n');
    sse(response, 3, state('succeeded'));
    response.end();
  });
  const seen = [];
  for await (const { seq, event } of createPolydev({ baseUrl }).runs.stream('run_1')) seen.push([seq, event]);
  assert.deepEqual(seen, [
    [1, state('running')],
    [2, text('a\nb')],
    [3, state('succeeded')],
  ]);
});

test('a dropped connection is resumed after the last event, without a gap or a repeat', { timeout }, async (t) => {
  const interruptions: boolean[] = [];
  const { baseUrl, asked } = await startServer(t, ({ headers }, response) => {
    if (headers['last-event-id'] === '5') {
      sse(response, 5, text('again'));
      sse(response, 6, state('succeeded'));
      response.end();
    } else {
      sse(response, 5, text('once'));
      response.socket?.destroySoon();
    }
  });
  const seen = [];
  const stream = createPolydev({ baseUrl }).runs.stream('run_1', {
    after: 4,
    onInterrupted: (error) => interruptions.push(error !== null),
  });
  for await (const { seq } of stream) seen.push(seq);
  assert.deepEqual(seen, [5, 6]);
  assert.deepEqual(
    asked.map(({ headers }) => headers['last-event-id']),
    ['4', '5'],
  );
  assert.deepEqual(interruptions, [true, false]);
});

test('a server that is away for a moment is asked again', { timeout }, async (t) => {
  let times = 0;
  const { baseUrl } = await startServer(t, (_, response) => {
    times += 1;
    if (times === 1)
      return json(response, 503, { error: { code: 'unavailable', message: '', hint: '', requestId: '' } });
    sse(response, 1, state('connected'));
    response.end();
  });
  const seen = [];
  for await (const { seq } of createPolydev({ baseUrl }).sessions.events('ses_1')) seen.push(seq);
  assert.deepEqual(seen, [1]);
});

test('a refusal is thrown at once', { timeout }, async (t) => {
  const { baseUrl, asked } = await startServer(t, (_, response) =>
    json(response, 404, { error: { code: 'not_found', message: 'No such run.', hint: '', requestId: 'req_1' } }),
  );
  const stream = createPolydev({ baseUrl }).runs.stream('run_1');
  await assert.rejects(stream[Symbol.asyncIterator]().next(), { code: 'not_found' });
  assert.equal(asked.length, 1);
});

test('a stream that was already read to its end is over, not asked for again and again', { timeout }, async (t) => {
  const { baseUrl, asked } = await startServer(t, (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end();
  });
  for await (const _ of createPolydev({ baseUrl }).runs.stream('run_1', { after: 3 })) assert.fail('nothing is left');
  assert.equal(asked.length, 2);
});

test('aborting ends the stream quietly and closes its connection', { timeout }, async (t) => {
  const closed = Promise.withResolvers<void>();
  const { baseUrl } = await startServer(t, (_, response) => {
    response.on('close', () => closed.resolve());
    sse(response, 1, state('running'));
  });
  const stop = new AbortController();
  const seen = [];
  for await (const { seq } of createPolydev({ baseUrl }).runs.stream('run_1', { signal: stop.signal })) {
    seen.push(seq);
    stop.abort();
  }
  assert.deepEqual(seen, [1]);
  await closed.promise;
});

test('leaving the loop closes the connection', { timeout }, async (t) => {
  const closed = Promise.withResolvers<void>();
  const { baseUrl } = await startServer(t, (_, response) => {
    response.on('close', () => closed.resolve());
    sse(response, 1, state('running'));
    sse(response, 2, text('more'));
  });
  for await (const _ of createPolydev({ baseUrl }).runs.stream('run_1')) break;
  await closed.promise;
});

test('an event cut anywhere between two packets is whole', { timeout }, async (t) => {
  const { baseUrl } = await startServer(t, async (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const bytes = Buffer.from(
      `id: 1\r\ndata: ${JSON.stringify({ seq: 1, atMs: 1, event: text('grüß 🌍') })}\r\n\r\nid: 2\ndata: ${JSON.stringify({ seq: 2, atMs: 2, event: state('failed') })}\n\n`,
    );
    for (const byte of bytes) {
      response.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    response.end();
  });
  const seen = [];
  for await (const { event } of createPolydev({ baseUrl }).runs.stream('run_1')) seen.push(event);
  assert.deepEqual(seen, [text('grüß 🌍'), state('failed')]);
});
