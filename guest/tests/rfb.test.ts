import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer as createHttp, request } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { createRfbUpgrade } from '../display/rfb-upgrade.ts';
import { scratchFolder, startScratchAgent, token } from './scratch-agent.ts';

const headers = { authorization: `Bearer ${token}` };
const chunkBytes = 64 * 1024;
/** Bytes that repeat, but not at any size that a buffer has. */
const period = 251;
const pattern = Buffer.from(Array.from({ length: 1024 ** 2 }, (_, at) => ((at % period) * 31) % period));
const bytesFrom = (at: number, length: number) => pattern.subarray(at % period, (at % period) + length);
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

/** Asks for the stream, the way the controller does. */
function ask(port: number, headers = {}) {
  const asking = request({ port, path: '/rfb', headers: { connection: 'Upgrade', upgrade: 'rfb', ...headers } });
  asking.on('error', () => {}).end();
  return asking;
}

async function refusal(port: number, headers = {}): Promise<number | undefined> {
  const [answer] = await once(ask(port, headers), 'response');
  answer.resume();
  return answer.statusCode;
}

async function openStream(t: TestContext, port: number, headers = {}): Promise<Socket> {
  const [, viewer, early] = await once(ask(port, headers), 'upgrade');
  if (early.length > 0) viewer.unshift(early);
  viewer.on('error', () => {});
  t.after(() => viewer.destroy());
  return viewer;
}

/** A viewer and the display's end of its connection. */
async function connected(t: TestContext) {
  const path = join(scratchFolder(t), 'rfb.sock');
  const display = await startDisplay(t, path);
  const http = createHttp().listen(0, '127.0.0.1');
  const upgrade = createRfbUpgrade({ socket: path, patienceMs: 5000 });
  http.on('upgrade', (request, socket, head) => void upgrade(request, socket, head));
  await once(http, 'listening');
  t.after(() => http.close());
  const [[socket], viewer] = await Promise.all([
    once(display, 'connection'),
    openStream(t, (http.address() as AddressInfo).port),
  ]);
  t.after(() => socket.destroy());
  return { viewer, socket: socket as Socket };
}

/** Writes until so much is written or the other side stops taking it for a while; resolves to how much was. */
async function fill(socket: Socket): Promise<number> {
  let bytes = 0;
  while (bytes < muchBytes) {
    const data = bytesFrom(bytes, chunkBytes);
    bytes += data.length;
    if (socket.write(data)) continue;
    const drained = new Promise((resolve) => socket.once('drain', resolve));
    const stalled = await Promise.race([drained, once(AbortSignal.timeout(500), 'abort').then(() => 'stalled')]);
    if (stalled === 'stalled') break;
  }
  return bytes;
}

/** Reads so much, and finds every byte to be what `fill` wrote. */
async function drain(socket: Socket, bytes: number): Promise<void> {
  let received = 0;
  const all = new Promise<void>((resolve, reject) => {
    socket.on('data', (data: Buffer) => {
      if (!data.equals(bytesFrom(received, data.length))) reject(new Error(`wrong bytes after ${received}`));
      received += data.length;
      if (received >= bytes) resolve();
    });
  });
  socket.resume();
  await all;
  assert.equal(received, bytes);
}

suite('the display stream', { timeout: 120_000 }, () => {
  test('carries bytes both ways', async (t) => {
    const { viewer, socket } = await connected(t);
    socket.write('RFB 003.008\n');
    assert.equal(String((await once(viewer, 'data'))[0]), 'RFB 003.008\n');
    viewer.write(Buffer.from([0, 255, 10]));
    assert.deepEqual([...(await once(socket, 'data'))[0]], [0, 255, 10]);
  });

  test('stops reading the display while the viewer does not read, and loses nothing', async (t) => {
    const { viewer, socket } = await connected(t);
    viewer.pause();
    const bytes = await fill(socket);
    assert.ok(bytes < muchBytes / 2, `took ${bytes} bytes for a viewer that reads none`);
    socket.end();
    await Promise.all([drain(viewer, bytes), once(viewer, 'end')]);
  });

  test('stops reading the viewer while the display does not read, and loses nothing', async (t) => {
    const { viewer, socket } = await connected(t);
    socket.pause();
    const bytes = await fill(viewer);
    assert.ok(bytes < muchBytes / 2, `took ${bytes} bytes for a display that reads none`);
    await drain(socket, bytes);
  });

  test('ends on one side when the other does', async (t) => {
    const first = await connected(t);
    first.socket.destroy();
    await once(first.viewer.resume(), 'end');
    const second = await connected(t);
    second.viewer.destroy();
    await once(second.socket.resume(), 'close');
    const third = await connected(t);
    third.viewer.end();
    await once(third.socket.resume(), 'close');
  });

  test('waits for a display that is still starting, its folder included', async (t) => {
    const agent = await startScratchAgent(t);
    const opened = openStream(t, agent.port, headers);
    await agent.call('GET', '/health');
    const display = await startDisplay(t, agent.config.display.socket);
    display.on('connection', (socket) => {
      t.after(() => socket.destroy());
      socket.on('error', () => {});
      socket.write('RFB 003.008\n');
    });
    assert.equal(String((await once(await opened, 'data'))[0]), 'RFB 003.008\n');
  });

  test('is not for those who ask for another protocol', async (t) => {
    const agent = await startScratchAgent(t);
    assert.equal(await refusal(agent.port, { ...headers, upgrade: 'websocket' }), 400);
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
    ask((http.address() as AddressInfo).port);
    await refused;

    const headless = await startScratchAgent(t, { profile: 'headless' });
    assert.equal(await refusal(headless.port, headers), 404);
  });
});
