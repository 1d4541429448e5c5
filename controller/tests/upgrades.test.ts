/** Connections that ask to become a WebSocket, from whoever reaches the port. */

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { createTestApp, host } from './test-app.ts';

const timeout = 30_000;
const desktop = `/api/auth/session/ses_${'a'.repeat(20)}/novnc/websock`;

function ask(path: string, more = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;
}

function asWebSocket(path: string): string {
  const key = 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n';
  return ask(path, `Connection: Upgrade\r\nUpgrade: websocket\r\n${key}`);
}

/** One that stays open however the other side ends. */
function enter(t: TestContext, port: number): Socket {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  t.after(() => socket.destroy());
  return socket;
}

test('one that stands behind a request without its answer is cut off, and the server lives', { timeout }, async (t) => {
  const answers = Promise.withResolvers<void>();
  const { app, listen } = await createTestApp(t, { deps: { pingDatabase: () => answers.promise } });
  const port = await listen();
  const socket = enter(t, port);
  socket.write(ask('/health') + asWebSocket('/health'));
  assert.equal(await text(socket), '');
  answers.resolve();
  assert.equal((await app.inject({ url: '/health', headers: { host } })).statusCode, 200);
});

test('one that is refused is answered and closed, also when the other side stays', { timeout }, async (t) => {
  const { app, listen } = await createTestApp(t);
  const port = await listen();
  for (const path of [desktop, '/health', '/unknown']) {
    const socket = enter(t, port);
    socket.write(asWebSocket(path));
    assert.match(await text(socket), /^HTTP\/1.1 [24]/, path);
    const count = () =>
      new Promise<number>((resolve, reject) =>
        app.server.getConnections((error, open) => (error ? reject(error) : resolve(open))),
      );
    while ((await count()) > 0) await new Promise((resolve) => setImmediate(resolve));
  }
});
