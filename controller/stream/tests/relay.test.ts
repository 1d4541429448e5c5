import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import { newId, viewerClose } from '@polydev/protocol';
import { WebSocket } from 'ws';
import { closeOf, onePicture, open } from './picture.ts';

const timeout = 60_000;

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
  const { live, end } = await onePicture(t, { relay: { newsMs: 30_000 } });
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
