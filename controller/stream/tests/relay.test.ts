import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
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

/** More than the kernel's buffers of all connections on the way hold. */
const kernelBytes = 48 * 1024 ** 2;
/** Bytes that repeat, but not at any size that a buffer has. */
const period = 251;
const pattern = Buffer.from(Array.from({ length: 1024 ** 2 }, (_, at) => ((at % period) * 31) % period));

/** What a collection finds to be free is given back a turn later. */
async function memoryInUse(): Promise<number> {
  collectGarbage();
  await turn();
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
  live(): Promise<{ viewer: WebSocket; end: Duplex }>;
  end(event: SessionEvent): Promise<void>;
}

async function onePicture(t: TestContext, options: TestAppOptions = {}): Promise<Picture> {
  const desktop = await startFakeDesktop(t);
  const id = newId('session');
  let state: AuthSession['state'] = 'ready';
  const sessions = {
    get: async (user: User, asked: SessionId) => {
      if (asked !== id) throw new PolydevError('not_found', 'There is no such sign-in.');
      return { id, userId: user.id, state, reason: null } as AuthSession;
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

/** What the viewer said, once it is so long. */
function said(end: Duplex, length: number): Promise<string> {
  let text = '';
  return new Promise((resolve) => {
    end.on('data', (data: Buffer) => {
      text += String(data);
      if (text.length >= length) resolve(text);
    });
  });
}

/** A viewer that never reads: a bare socket, paused after its handshake. */
async function stalledViewer(t: TestContext, { port, id, origin, ticket }: Picture): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.write(
    [
      `GET /api/auth/session/${id}/novnc/websock HTTP/1.1`,
      `Host: 127.0.0.1:${port}`,
      `Origin: ${origin}`,
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      `Sec-WebSocket-Protocol: binary, ticket.${await ticket()}`,
      '\r\n',
    ].join('\r\n'),
  );
  const [answer] = await once(socket, 'data');
  assert.match(String(answer), /101 Switching/);
  return socket.pause();
}

/** Sends so much, as fast as it is taken; resolves to how much was when the relay hangs up. */
async function flooding(source: Duplex, bytes: number): Promise<number> {
  const chunk = Buffer.alloc(64 * 1024);
  const closed = new Promise<void>((resolve) => source.once('close', resolve));
  let sent = 0;
  while (sent < bytes && !source.destroyed) {
    sent += chunk.length;
    if (!source.write(chunk)) await Promise.race([new Promise((resolve) => source.once('drain', resolve)), closed]);
  }
  await closed;
  return sent;
}

const closeOf = async (socket: WebSocket) => {
  const [code, reason] = await once(socket, 'close');
  return { code, reason: String(reason) };
};

test('bytes go both ways, in order, under the subprotocol `binary`', { timeout }, async (t) => {
  const { live } = await onePicture(t);
  const { viewer, end } = await live();
  assert.equal(viewer.protocol, 'binary');
  end.write('RFB 003.008\n');
  const [greeting, isBinary] = await once(viewer, 'message');
  assert.equal(String(greeting), 'RFB 003.008\n');
  assert.equal(isBinary, true);
  viewer.send(Buffer.from('one'));
  viewer.send(Buffer.from('two'));
  assert.equal(await said(end, 6), 'onetwo');
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
  const closes = Promise.all([closeOf(first.viewer), closeOf(second.viewer), once(first.end.resume(), 'end')]);
  await end({ type: 'state', state: 'connected', reason: null });
  const [one, two] = await closes;
  assert.deepEqual(one, { code: viewerClose.ended, reason: 'Successfully connected.' });
  assert.deepEqual(two, one);
});

test('when the desktop goes first and the news comes after, they hear it too', { timeout }, async (t) => {
  const { live, end } = await onePicture(t);
  const { viewer, end: display } = await live();
  const close = closeOf(viewer);
  display.destroy();
  const reason = { code: 'sign_in_timeout' as const, message: 'Nobody signed in.', hint: '' };
  await end({ type: 'state', state: 'expired', reason });
  assert.deepEqual(await close, { code: viewerClose.ended, reason: 'Nobody signed in.' });
});

test('when the desktop breaks off, a viewer may come back', { timeout }, async (t) => {
  const { live } = await onePicture(t);
  const { viewer, end } = await live();
  end.destroy();
  assert.equal((await closeOf(viewer)).code, viewerClose.lost);
  await live();
});

test('a viewer that leaves takes its connection to the desktop along', { timeout }, async (t) => {
  const { live } = await onePicture(t);
  const { viewer, end } = await live();
  viewer.close();
  await once(end.resume(), 'end');
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
  assert.equal(await said(await connected, 5), 'early');
});

test('a desktop that cannot be reached is said as such', { timeout }, async (t) => {
  const picture = await onePicture(t, {
    services: { sessions: { display: async () => ({ host: '127.0.0.1', port: 1, token: 'x' }) } },
  });
  assert.equal((await closeOf(await picture.viewer())).code, viewerClose.lost);
});

test('a desktop that answers with anything else is said as such, however much it says', { timeout }, async (t) => {
  const answers = ['HTTP/1.1 200 OK\r\n\r\n', 'HTTP/1.1 101 Switching', `HTTP/1.1 101 ${'x'.repeat(1024 ** 2)}`];
  for (const answer of answers) {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      if (answer.length < 100) socket.end(answer);
      else socket.write(answer);
    });
    t.after(() => server.close());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const picture = await onePicture(t, {
      services: { sessions: { display: async () => ({ host: '127.0.0.1', port, token: 'x' }) } },
    });
    assert.equal((await closeOf(await picture.viewer())).code, viewerClose.lost, answer.slice(0, 30));
  }
});

test('what comes in one piece with the answer is not lost', { timeout }, async (t) => {
  const server = createServer((socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\nRFB 003.008\n'));
  t.after(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const picture = await onePicture(t, {
    services: { sessions: { display: async () => ({ host: '127.0.0.1', port, token: 'x' }) } },
  });
  const [greeting] = await once(await picture.viewer(), 'message');
  assert.equal(String(greeting), 'RFB 003.008\n');
});

test('text is refused', { timeout }, async (t) => {
  const { live } = await onePicture(t);
  const { viewer } = await live();
  viewer.send('text');
  assert.equal((await closeOf(viewer)).code, viewerClose.refused);
});

test('a desktop has only so many viewers', { timeout }, async (t) => {
  const { live, viewer } = await onePicture(t);
  for (let n = 0; n < 8; n += 1) await live();
  assert.equal(await refusal(await viewer()), 'capacity');
});

test('a viewer that stalls never grows the memory, holds up nobody else, and is cut off', { timeout }, async (t) => {
  const stallMs = 2000;
  const picture = await onePicture(t, { relay: { limits: { stallMs } } });
  const { desktop, live } = picture;
  const connected = desktop.connected();
  await stalledViewer(t, picture);
  const source = await connected;

  // It floods: 1 GiB wants to be sent, as fast as the relay takes it.
  const beforeBytes = await memoryInUse();
  const flood = flooding(source, 1024 ** 3);

  const other = await live();
  other.end.write('still quick');
  assert.equal(String((await once(other.viewer, 'message'))[0]), 'still quick');

  // Full to the brim, as little as half a stall before the end.
  await sleep(stallMs / 2);
  const grownBytes = (await memoryInUse()) - beforeBytes;
  assert.equal(source.destroyed, false);
  const sentBytes = await flood;
  // What the kernel holds in its own buffers was sent too.
  assert.ok(sentBytes < kernelBytes, `the relay took ${sentBytes} bytes for a reader that reads nothing`);
  assert.ok(grownBytes < 8 * 1024 ** 2, `memory grew by ${grownBytes} bytes`);
});

test('a desktop that takes nothing never grows the memory, and is given up', { timeout }, async (t) => {
  const stallMs = 2000;
  const { live } = await onePicture(t, { relay: { limits: { stallMs } } });
  const { viewer, end } = await live();
  end.pause();
  const beforeBytes = await memoryInUse();
  const close = closeOf(viewer);
  const chunk = Buffer.alloc(64 * 1024);
  let sentBytes = 0;
  const flood = (async () => {
    while (viewer.readyState === viewer.OPEN && sentBytes < 1024 ** 3) {
      sentBytes += chunk.length;
      await new Promise((resolve) => viewer.send(chunk, resolve));
    }
  })();

  await sleep(stallMs / 2);
  const grownBytes = (await memoryInUse()) - beforeBytes;
  assert.equal((await close).code, viewerClose.lost);
  await flood;
  assert.ok(sentBytes < kernelBytes, `the relay took ${sentBytes} bytes for a desktop that reads nothing`);
  assert.ok(grownBytes < 8 * 1024 ** 2, `memory grew by ${grownBytes} bytes`);
});

test('a slow reader gets everything, unharmed', { timeout }, async (t) => {
  const { live } = await onePicture(t, { relay: { limits: { bufferBytes: 128 * 1024 } } });
  const { viewer, end } = await live();
  const total = 32 * 1024 ** 2;
  const chunkBytes = 48 * 1024 + 7;
  const bytesFrom = (at: number, length: number) => pattern.subarray(at % period, (at % period) + length);
  let received = 0;
  const done = new Promise<void>((resolve, reject) => {
    viewer.on('message', (data: Buffer) => {
      if (!data.equals(bytesFrom(received, data.length))) reject(new Error(`wrong bytes after ${received}`));
      received += data.length;
      // Pauses now and then, as a busy browser does.
      if (Math.random() < 0.05) {
        viewer.pause();
        setTimeout(() => viewer.resume(), 5);
      }
      if (received >= total) resolve();
    });
  });
  for (let sent = 0; sent < total; sent += chunkBytes) {
    if (!end.write(bytesFrom(sent, Math.min(chunkBytes, total - sent)))) await once(end, 'drain');
  }
  await done;
  assert.equal(received, total);
});
