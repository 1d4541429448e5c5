import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import {
  isFinal,
  newId,
  PolydevError,
  type Run,
  type RunId,
  type RunStreamEvent,
  runMoves,
  type User,
} from '@polydev/protocol';
import { WebSocket } from 'ws';
import type { EventLog } from '../store/events.ts';
import { createTestApp, host } from './test-app.ts';

const timeout = 60_000;
const text = (value: string): RunStreamEvent => ({ type: 'event', event: { type: 'text', text: value } });
const state = (value: Run['state']): RunStreamEvent => ({ type: 'state', state: value, reason: null });
const isLast = (event: RunStreamEvent) => event.type === 'state' && isFinal(runMoves, event.state);

/** One run whose events a test appends. */
async function oneRun(t: TestContext) {
  const id = newId('run');
  let log: EventLog | undefined;
  let current: Run['state'] = 'running';
  const open = new Set<AbortSignal>();
  const runs = {
    get: async (_user: User, asked: RunId) => {
      if (asked !== id) throw new PolydevError('not_found', 'There is no such run.');
      return { id, state: current } as Run;
    },
    events: async (_user: User, asked: RunId, after: number, signal: AbortSignal) => {
      if (asked !== id) throw new PolydevError('not_found', 'There is no such run.');
      open.add(signal);
      signal.addEventListener('abort', () => open.delete(signal));
      const ended = isFinal(runMoves, current);
      const read = async function* () {
        if (ended) return yield* (await log?.read(id, after)) ?? [];
        for await (const row of log?.follow(id, after, signal) ?? []) {
          yield row;
          if (isLast(row.event)) return;
        }
      };
      return Object.assign(read(), { ended });
    },
  };
  const made = await createTestApp(t, { services: { runs } });
  log = made.events;
  const port = await made.listen();
  const authorization = await made.bearer();
  const append = async (...events: RunStreamEvent[]) => {
    for (const event of events) {
      if (event.type === 'state') current = event.state;
      await made.events.append(id, event);
    }
  };
  return { ...made, id, port, authorization, append, open, url: `http://127.0.0.1:${port}/api/runs/${id}` };
}

test('a run streams what was, then what comes, numbered, and ends after the final state', { timeout }, async (t) => {
  const { url, authorization, append } = await oneRun(t);
  await append(state('running'), text('a'));
  const response = await fetch(`${url}/events`, { headers: { authorization } });
  assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'none'/);
  await append(text('b'), state('succeeded'));
  const body = await response.text();
  const blocks = body.split('\n\n').filter((block) => block !== '' && !block.startsWith(':'));
  assert.deepEqual(
    blocks.map((block) => /^id: (\d+)\ndata: (.*)$/.exec(block)?.[1]),
    ['1', '2', '3', '4'],
  );
  assert.deepEqual(JSON.parse(blocks[1]?.split('data: ')[1] ?? '').event, text('a'));
});

test('a stream resumes after the last event seen, and is over for good with 204', { timeout }, async (t) => {
  const { url, authorization, append } = await oneRun(t);
  await append(text('a'), text('b'), state('succeeded'));
  const idsAfter = async (query: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${url}/events${query}`, { headers: { authorization, ...headers } });
    return response.status === 204
      ? 204
      : [...(await response.text()).matchAll(/^id: (\d+)$/gm)].map((match) => match[1]);
  };
  assert.deepEqual(await idsAfter('?after=1'), ['2', '3']);
  assert.deepEqual(await idsAfter('?after=0', { 'last-event-id': '2' }), ['3']);
  assert.equal(await idsAfter('?after=3'), 204);
  assert.equal(await idsAfter('', { 'last-event-id': '3' }), 204);
});

test('a client that leaves is noticed', { timeout }, async (t) => {
  const { url, authorization, append, open } = await oneRun(t);
  await append(text('a'));
  const leave = new AbortController();
  const response = await fetch(`${url}/events`, { headers: { authorization }, signal: leave.signal });
  assert.equal(response.status, 200);
  const [signal] = open;
  assert.ok(signal);
  const noticed = once(signal, 'abort');
  leave.abort();
  await noticed;
});

test('closing the server ends open streams', { timeout }, async (t) => {
  const { app, url, authorization, append, port, id } = await oneRun(t);
  await append(text('a'));
  const response = await fetch(`${url}/events`, { headers: { authorization } });
  const body = response.text();
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/runs/${id}/stream`, { headers: { authorization } });
  await once(socket, 'message');
  const closed = once(socket, 'close');
  await app.close();
  assert.match(await body, /^id: 1$/m);
  await closed;
});

test('the same events come over a WebSocket, which closes with 1000', { timeout }, async (t) => {
  const { port, id, authorization, append } = await oneRun(t);
  await append(text('a'), text('b'));
  const address = `ws://127.0.0.1:${port}/api/runs/${id}/stream?after=1`;
  const socket = new WebSocket(address, { headers: { authorization } });
  const seen: number[] = [];
  socket.on('message', (data) => seen.push(JSON.parse(String(data)).seq));
  await once(socket, 'message');
  await append(state('succeeded'));
  const [code] = await once(socket, 'close');
  assert.equal(code, 1000);
  assert.deepEqual(seen, [2, 3]);
});

test('a WebSocket needs who, from where, and what is there', { timeout }, async (t) => {
  const { port, id, authorization } = await oneRun(t);
  const refusal = async (headers: Record<string, string>, run: string = id) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/runs/${run}/stream`, { headers });
    const [, response] = await once(socket, 'unexpected-response');
    let body = '';
    for await (const chunk of response) body += chunk;
    return JSON.parse(body).error.code;
  };
  assert.equal(await refusal({}), 'not_signed_in');
  assert.equal(await refusal({ authorization: 'Bearer pd_wrong' }), 'not_signed_in');
  assert.equal(await refusal({ authorization, origin: 'https://evil.test' }), 'wrong_origin');
  assert.equal(await refusal({ authorization }, newId('run')), 'not_found');
});

test('a plain request to a WebSocket address is told so', { timeout }, async (t) => {
  const { app, id, authorization } = await oneRun(t);
  const answer = await app.inject({ url: `/api/runs/${id}/stream`, headers: { host, authorization } });
  assert.equal(answer.json().error.code, 'invalid_request');
});
