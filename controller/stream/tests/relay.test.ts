import assert from 'node:assert/strict';
import { on, once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  type AuthSession,
  newId,
  PolydevError,
  type SessionEvent,
  type SessionId,
  type User,
  viewerClose,
} from '@polydev/protocol';
import { WebSocket } from 'ws';
import { createTestApp, type TestAppOptions } from '../../tests/test-app.ts';
import { type FakeDesktop, startFakeDesktop } from './fake-desktop.ts';

const timeout = 60_000;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

function memoryInUse(): number {
  collectGarbage();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}

interface Picture {
  desktop: FakeDesktop;
  id: SessionId;
  port: number;
  origin: string;
  /** A fresh ticket, asked for by a page of this origin. */
  ticket(origin?: string): Promise<string>;
  /** A viewer with a ticket; not yet open. */
  viewer(): Promise<WebSocket>;
  /** A viewer and the desktop's end of it, both open. */
  live(): Promise<{ viewer: WebSocket; end: WebSocket }>;
  end(event: SessionEvent): Promise<void>;
}

async function onePicture(t: TestContext, options: TestAppOptions = {}): Promise<Picture> {
  const desktop = await startFakeDesktop(t);
  const id = newId('session');
  let state: AuthSession['state'] = 'ready';
  const sessions = {
    get: async (_user: User, asked: SessionId) => {
      if (asked !== id) throw new PolydevError('not_found', 'There is no such sign-in.');
      return { id, state, reason: null } as AuthSession;
    },
    display: async () => desktop.access,
    ...options.services?.sessions,
  };
  const made = await createTestApp(t, { ...options, services: { sessions } });
  const port = await made.listen();
  const origin = `http://127.0.0.1:${port}`;
  const authorization = await made.bearer();

  const ticket = async (from = origin) => {
    const headers = { host: `127.0.0.1:${port}`, authorization, ...(from && { origin: from }) };
    const answer = await made.app.inject({ method: 'POST', url: `/api/auth/session/${id}/ticket`, headers });
    assert.equal(answer.statusCode, 201, answer.body);
    return answer.json().ticket as string;
  };
  const viewer = async () => {
    const socket = open(port, id, await ticket(), origin);
    t.after(() => socket.on('error', () => {}).terminate());
    return socket;
  };
  return {
    desktop,
    id,
    port,
    origin,
    ticket,
    viewer,
    async live() {
      const socket = await viewer();
      const [end] = await Promise.all([desktop.connected(), once(socket, 'open')]);
      return { viewer: socket, end };
    },
    async end(event) {
      if (event.type === 'state') state = event.state;
      await made.events.append(id, event);
    },
  };
}

function open(port: number, id: string, ticket: string, origin?: string): WebSocket {
  const address = `ws://127.0.0.1:${port}/api/auth/session/${id}/novnc/websock`;
  return new WebSocket(address, ['binary', `ticket.${ticket}`], origin === undefined ? {} : { origin });
}

async function refusal(socket: WebSocket): Promise<string> {
  const [, response] = await once(socket, 'unexpected-response');
  let body = '';
  for await (const chunk of response) body += chunk;
  return JSON.parse(body).error.code;
}

const closeOf = async (socket: WebSocket) => {
  const [code, reason] = await once(socket, 'close');
  return { code, reason: String(reason) };
};

test('bytes go both ways, in order, under the subprotocol `binary`', { timeout }, async (t) => {
  const { live } = await onePicture(t);
  const { viewer, end } = await live();
  assert.equal(viewer.protocol, 'binary');
  end.send(Buffer.from('RFB 003.008\n'));
  const [greeting, isBinary] = await once(viewer, 'message');
  assert.equal(String(greeting), 'RFB 003.008\n');
  assert.equal(isBinary, true);
  const said = on(end, 'message');
  viewer.send(Buffer.from('one'));
  viewer.send(Buffer.from('two'));
  for (const word of ['one', 'two']) assert.equal(String((await said.next()).value?.[0]), word);
});

test('a ticket works once, for its session, from the page that asked', { timeout }, async (t) => {
  const { ticket, id, port, origin, desktop } = await onePicture(t);
  const secret = await ticket();
  const first = open(port, id, secret, origin);
  t.after(() => first.terminate());
  await Promise.all([desktop.connected(), once(first, 'open')]);
  assert.equal(await refusal(open(port, id, secret, origin)), 'ticket_refused');
  assert.equal(await refusal(open(port, newId('session'), await ticket(), origin)), 'ticket_refused');
  assert.equal(await refusal(open(port, id, await ticket(), undefined)), 'ticket_refused');
  assert.equal(await refusal(open(port, id, await ticket(''), origin)), 'ticket_refused');
  assert.equal(await refusal(open(port, id, await ticket(), 'https://evil.test')), 'wrong_origin');
  assert.equal(await refusal(open(port, id, 'wrong', origin)), 'ticket_refused');
  const bare = new WebSocket(`ws://127.0.0.1:${port}/api/auth/session/${id}/novnc/websock`, { origin });
  assert.equal(await refusal(bare), 'ticket_refused');
  assert.equal(desktop.connections.length, 1);
});

test('a program without a page has tickets without an origin', { timeout }, async (t) => {
  const { ticket, id, port, desktop } = await onePicture(t);
  const viewer = open(port, id, await ticket(''));
  t.after(() => viewer.terminate());
  await Promise.all([desktop.connected(), once(viewer, 'open')]);
});

test('a sign-in that has ended gives no ticket', { timeout }, async (t) => {
  const { ticket, end } = await onePicture(t);
  await end({ type: 'state', state: 'cancelled', reason: null });
  await assert.rejects(ticket(), /session_over/);
});

test('when the sign-in ends, its viewers hear how', { timeout }, async (t) => {
  const { live, end } = await onePicture(t);
  const [first, second] = [await live(), await live()];
  const closes = Promise.all([closeOf(first.viewer), closeOf(second.viewer), once(first.end, 'close')]);
  await end({ type: 'state', state: 'connected', reason: null });
  const [one, two] = await closes;
  assert.deepEqual(one, { code: viewerClose.ended, reason: 'Successfully connected.' });
  assert.deepEqual(two, one);
});

test('when the desktop goes first and the news comes after, they hear it too', { timeout }, async (t) => {
  const { live, end } = await onePicture(t);
  const { viewer, end: display } = await live();
  const close = closeOf(viewer);
  display.terminate();
  const reason = { code: 'sign_in_timeout' as const, message: 'Nobody signed in.', hint: '' };
  await end({ type: 'state', state: 'expired', reason });
  assert.deepEqual(await close, { code: viewerClose.ended, reason: 'Nobody signed in.' });
});

test('when the desktop breaks off, a viewer may come back', { timeout }, async (t) => {
  const { live } = await onePicture(t);
  const { viewer, end } = await live();
  end.terminate();
  assert.equal((await closeOf(viewer)).code, viewerClose.lost);
  await live();
});

test('a viewer that leaves takes its connection to the desktop along', { timeout }, async (t) => {
  const { live } = await onePicture(t);
  const { viewer, end } = await live();
  viewer.close();
  await once(end, 'close');
});

test('a viewer waits for a desktop that is still starting, and loses nothing it said', { timeout }, async (t) => {
  let start = (_access: unknown) => {};
  const started = new Promise((resolve) => (start = resolve));
  const picture = await onePicture(t, { services: { sessions: { display: () => started as Promise<never> } } });
  const viewer = await picture.viewer();
  await once(viewer, 'open');
  viewer.send(Buffer.from('early'));
  const connected = picture.desktop.connected();
  start(picture.desktop.access);
  const [said] = await once(await connected, 'message');
  assert.equal(String(said), 'early');
});

test('a desktop that cannot be reached is said as such', { timeout }, async (t) => {
  const picture = await onePicture(t, {
    services: { sessions: { display: async () => ({ host: '127.0.0.1', port: 1, token: 'x' }) } },
  });
  assert.equal((await closeOf(await picture.viewer())).code, viewerClose.lost);
});

test('text is refused, from whichever side', { timeout }, async (t) => {
  const { live } = await onePicture(t);
  const first = await live();
  first.viewer.send('text');
  assert.equal((await closeOf(first.viewer)).code, viewerClose.refused);
  const second = await live();
  second.end.send('text');
  assert.equal((await closeOf(second.viewer)).code, viewerClose.lost);
});

test('a desktop has only so many viewers', { timeout }, async (t) => {
  const { live, viewer } = await onePicture(t);
  for (let n = 0; n < 8; n += 1) await live();
  assert.equal(await refusal(await viewer()), 'capacity');
});

test('a viewer that stalls never grows the memory, holds up nobody else, and is cut off', { timeout }, async (t) => {
  const stallMs = 2000;
  const { ticket, id, port, origin, desktop, live } = await onePicture(t, { relay: { limits: { stallMs } } });

  // A reader that never reads: a bare socket, paused after its handshake.
  const stalled = connect(port, '127.0.0.1');
  t.after(() => stalled.destroy());
  const secret = await ticket();
  const connected = desktop.connected();
  stalled.write(
    [
      `GET /api/auth/session/${id}/novnc/websock HTTP/1.1`,
      `Host: 127.0.0.1:${port}`,
      `Origin: ${origin}`,
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      `Sec-WebSocket-Protocol: binary, ticket.${secret}`,
      '\r\n',
    ].join('\r\n'),
  );
  const [answer] = await once(stalled, 'data');
  assert.match(String(answer), /101 Switching/);
  stalled.pause();
  const source = await connected;

  // It floods: 1 GiB wants to be sent, as fast as the relay takes it.
  const chunk = Buffer.alloc(64 * 1024);
  const wantedBytes = 1024 ** 3;
  const beforeBytes = memoryInUse();
  let sentBytes = 0;
  const flood = (async () => {
    while (sentBytes < wantedBytes && source.readyState === source.OPEN) {
      if (source.bufferedAmount > 256 * 1024) {
        await turn();
      } else {
        source.send(chunk);
        sentBytes += chunk.length;
      }
    }
  })();

  const other = await live();
  other.end.send(Buffer.from('still quick'));
  assert.equal(String((await once(other.viewer, 'message'))[0]), 'still quick');

  // Full to the brim, as little as half a stall before the end.
  await sleep(stallMs / 2);
  const grownBytes = memoryInUse() - beforeBytes;
  assert.equal(source.readyState, source.OPEN);
  await once(source, 'close');
  await flood;
  // What the kernel holds in its own buffers was sent too.
  assert.ok(sentBytes < 48 * 1024 ** 2, `the relay took ${sentBytes} bytes for a reader that reads nothing`);
  assert.ok(grownBytes < 8 * 1024 ** 2, `memory grew by ${grownBytes} bytes`);
});

test('a slow reader gets everything, unharmed', { timeout }, async (t) => {
  const { live } = await onePicture(t, { relay: { limits: { bufferBytes: 128 * 1024 } } });
  const { viewer, end } = await live();
  const total = 32 * 1024 ** 2;
  const chunkBytes = 48 * 1024 + 7;
  let received = 0;
  let expected = 0;
  const done = new Promise<void>((resolve, reject) => {
    viewer.on('message', (data: Buffer) => {
      for (const at of [0, data.length - 1]) {
        if (data[at] !== ((received + at) * 31) % 251) reject(new Error(`byte ${received + at} is not what was sent`));
      }
      received += data.length;
      // Pauses now and then, as a busy browser does.
      if (Math.random() < 0.05) {
        viewer.pause();
        setTimeout(() => viewer.resume(), 5);
      }
      if (received >= total) resolve();
    });
  });
  while (expected < total) {
    if (end.bufferedAmount > 256 * 1024) {
      await turn();
      continue;
    }
    const chunk = Buffer.alloc(Math.min(chunkBytes, total - expected));
    for (let at = 0; at < chunk.length; at += 1) chunk[at] = ((expected + at) * 31) % 251;
    end.send(chunk);
    expected += chunk.length;
  }
  await done;
  assert.equal(received, total);
});
