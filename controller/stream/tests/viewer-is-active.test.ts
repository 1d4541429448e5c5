import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { newId, type SessionId } from '@polydev/protocol';
import { WebSocket, WebSocketServer } from 'ws';
import { createRelay } from '../relay.ts';
import { startFakeDesktop } from './fake-desktop.ts';

test('a viewer that looks on is silent; what its person does is told, and not at each move', {
  timeout: 60_000,
}, async (t) => {
  const { access } = await startFakeDesktop(t);
  const id = newId('session');
  const told: SessionId[] = [];
  const passed: number[] = [];
  const allPassed = Promise.withResolvers<void>();
  const opening = Buffer.from('RFB 003.008\n\x01\x01');
  const askForPicture = Buffer.from([3, 1, 0, 0, 0, 0, 4, 0, 3, 0]);
  const move = Buffer.from([5, 0, 0, 1, 0, 1]);
  const sent = [opening, askForPicture, move, move, move, askForPicture];
  const relay = createRelay({
    display: async () => access,
    ended: () => new Promise(() => {}),
    onInput: (active) => void told.push(active),
    onBytes(_, bytes) {
      passed.push(bytes);
      if (passed.length === 2) assert.deepEqual(told, []);
      if (passed.length === sent.length) allPassed.resolve();
    },
  });
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  t.after(() => server.close());
  server.on('connection', (viewer) => void relay.serve(viewer, id));
  await once(server, 'listening');
  const viewer = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  t.after(() => viewer.terminate());
  await once(viewer, 'open');
  for (const chunk of sent) viewer.send(chunk);
  await allPassed.promise;
  assert.deepEqual(told, [id]);
});
