import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { WebSocket } from 'ws';
import { createRfbUpgrade } from '../display/rfb-upgrade.ts';
import { scratchFolder, startScratchAgent, token } from './scratch-agent.ts';

const headers = { authorization: `Bearer ${token}` };
const chunk = Buffer.alloc(64 * 1024, 'frame');
/** More than all the kernel's and Node's buffers between two ends hold. */
const muchBytes = 64 * 1024 * 1024;

/** A display on a unix socket that only listens; the test speaks for it. */
async function startDisplay(t: TestContext, path: string): Promise<Server> {
  mkdirSync(dirname(path), { recursive: true });
  const server = createServer().listen(path);
  await once(server, 'listening');
  t.after(() => server.close());
  return server;
}

/** A viewer and the display's end of its connection. */
async function connected(t: TestContext) {
  const path = join(scratchFolder(t), 'rfb.sock');
  const display = await startDisplay(t, path);
  const http = createHttp().listen(0, '127.0.0.1');
  const upgrade = createRfbUpgrade({ socket: path, patienceMs: 5000 });
  http.on('upgrade', (request, socket, head) => void upgrade(request, socket, head));
  await once(http, 'listening');
  const viewer = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`);
  t.after(() => {
    viewer.terminate();
    http.close();
  });
  const [[socket]] = await Promise.all([once(display, 'connection'), once(viewer, 'open')]);
  t.after(() => socket.destroy());
  return { viewer, socket: socket as Socket };
}

/** Writes until so much is written or the other side stops taking it for a while; resolves to how much was. */
async function fill(write: (data: Buffer) => boolean | undefined, drained: () => Promise<unknown>): Promise<number> {
  let bytes = 0;
  while (bytes < muchBytes) {
    bytes += chunk.length;
    if (write(chunk)) continue;
    const stalled = await Promise.race([drained(), once(AbortSignal.timeout(500), 'abort').then(() => 'stalled')]);
    if (stalled === 'stalled') break;
  }
  return bytes;
}

suite('the display stream', { timeout: 30_000 }, () => {
  test('carries bytes both ways, in binary frames', async (t) => {
    const { viewer, socket } = await connected(t);
    socket.write('RFB 003.008\n');
    const [greeting, isBinary] = await once(viewer, 'message');
    assert.deepEqual([String(greeting), isBinary], ['RFB 003.008\n', true]);
    viewer.send(Buffer.from([0, 255, 10]));
    const [answer] = await once(socket, 'data');
    assert.deepEqual([...answer], [0, 255, 10]);
  });

  test('stops reading the display while the viewer does not read, and loses nothing', async (t) => {
    const { viewer, socket } = await connected(t);
    viewer.pause();
    const bytes = await fill(
      (data) => socket.write(data),
      () => once(socket, 'drain'),
    );
    assert.ok(bytes < muchBytes / 2, `took ${bytes} bytes for a viewer that reads none`);
    let received = 0;
    viewer.on('message', (data: Buffer) => {
      received += data.length;
    });
    viewer.resume();
    socket.end();
    await once(viewer, 'close');
    assert.equal(received, bytes);
  });

  test('stops reading the viewer while the display does not read, and loses nothing', async (t) => {
    const { viewer, socket } = await connected(t);
    socket.pause();
    let sent: Promise<unknown> = Promise.resolve();
    const bytes = await fill(
      (data) => {
        sent = new Promise((resolve) => viewer.send(data, resolve));
        return viewer.bufferedAmount < 1024 * 1024;
      },
      () => sent,
    );
    assert.ok(bytes < muchBytes / 2, `took ${bytes} bytes for a display that reads none`);
    let received = 0;
    const all = new Promise<void>((resolve) => {
      socket.on('data', (data) => {
        received += data.length;
        if (received === bytes) resolve();
      });
    });
    socket.resume();
    await all;
  });

  test('ends on one side when the other does', async (t) => {
    const first = await connected(t);
    first.socket.destroy();
    const [code] = await once(first.viewer, 'close');
    assert.equal(code, 1001);
    const second = await connected(t);
    second.viewer.terminate();
    second.socket.resume();
    await once(second.socket, 'close');
    const third = await connected(t);
    third.viewer.send('text');
    assert.equal((await once(third.viewer, 'close'))[0], 1003);
  });

  test('waits for a display that is still starting, its folder included', async (t) => {
    const agent = await startScratchAgent(t);
    const viewer = new WebSocket(`ws://127.0.0.1:${agent.port}/rfb`, { headers });
    t.after(() => viewer.terminate());
    await agent.call('GET', '/health');
    const display = await startDisplay(t, agent.config.display.socket);
    display.on('connection', (socket) => {
      t.after(() => socket.destroy());
      socket.on('error', () => {});
      socket.write('RFB 003.008\n');
    });
    assert.equal(String((await once(viewer, 'message'))[0]), 'RFB 003.008\n');
  });

  test('gives up in time on a display that does not come, and is none in a headless sandbox', async (t) => {
    const upgrade = createRfbUpgrade({ socket: join(scratchFolder(t), 'x/rfb.sock'), patienceMs: 100 });
    const http = createHttp();
    const refused = new Promise((resolve) => {
      http.on('upgrade', (request, socket, head) => {
        resolve(assert.rejects(upgrade(request, socket, head), { code: 'unavailable' }));
        t.after(() => socket.destroy());
      });
    });
    t.after(() => http.close());
    await once(http.listen(0, '127.0.0.1'), 'listening');
    const viewer = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`);
    viewer.on('error', () => {});
    await refused;

    const headless = await startScratchAgent(t, { profile: 'headless' });
    const lost = new WebSocket(`ws://127.0.0.1:${headless.port}/rfb`, { headers });
    const [, answer] = await once(lost, 'unexpected-response');
    assert.equal(answer.statusCode, 404);
  });
});
