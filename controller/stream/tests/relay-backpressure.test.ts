import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { viewerClose } from '@polydev/protocol';
import { closeOf, onePicture, type Picture } from './picture.ts';

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

test('a viewer that stalls never grows the memory, holds up nobody else, and is cut off', { timeout }, async (t) => {
  const stallMs = 10_000;
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

  // Full to the brim, and well before the end.
  await sleep(1_000);
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
