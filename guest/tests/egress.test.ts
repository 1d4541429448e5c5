import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { suite, type TestContext, test } from 'node:test';
import { createForwarder } from '../egress/forwarder.ts';
import { startScratchAgent } from './scratch-agent.ts';

async function startGateway(t: TestContext, serve: (socket: Socket) => void) {
  const server = createServer({ allowHalfOpen: true }, serve).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

/** Answers with how many bytes came and their hash, once the other side has said everything. */
async function digest(socket: Socket): Promise<void> {
  const all = await buffer(socket);
  socket.end(`${all.length} ${createHash('sha256').update(all).digest('hex')}`);
}

suite('the way out', { timeout: 120_000 }, () => {
  test('carries connections to the gateway of the claim, also those that came before it', async (t) => {
    const gateway = await startGateway(t, (socket) => void digest(socket));
    const agent = await startScratchAgent(t);
    const payload = randomBytes(20 * 1024 * 1024);
    const expected = `${payload.length} ${createHash('sha256').update(payload).digest('hex')}`;
    const ask = async () => {
      const socket = connect({ port: agent.agent.proxyPort, host: '127.0.0.1', allowHalfOpen: true });
      socket.end(payload);
      return String(await buffer(socket));
    };
    const early = ask();
    await agent.call('GET', '/health');
    await agent.claim({ egress: gateway });
    assert.deepEqual([await early, await ask()], [expected, expected]);
  });

  test('takes no more from a program than the gateway does', async (t) => {
    const held: Socket[] = [];
    const gateway = await startGateway(t, (socket) => held.push(socket.pause()));
    const agent = await startScratchAgent(t);
    await agent.claim({ egress: gateway });
    const socket = connect(agent.agent.proxyPort, '127.0.0.1');
    t.after(() => {
      socket.destroy();
      for (const each of held) each.destroy();
    });
    let bytes = 0;
    for (; bytes < 64 * 1024 * 1024; bytes += 64 * 1024) {
      if (socket.write(Buffer.alloc(64 * 1024))) continue;
      const stop = AbortSignal.timeout(500);
      if (
        await once(socket, 'drain', { signal: stop }).then(
          () => false,
          () => true,
        )
      )
        break;
    }
    assert.ok(bytes < 32 * 1024 * 1024, `took ${bytes} bytes`);
  });

  test('closes when the gateway is not there or cuts the connection', async (t) => {
    const gateway = await startGateway(t, (socket) => socket.resetAndDestroy());
    for (const egress of [gateway, { host: '127.0.0.1', port: 1 }]) {
      const agent = await startScratchAgent(t);
      await agent.claim({ egress });
      const socket = connect(agent.agent.proxyPort, '127.0.0.1');
      socket.on('error', () => {});
      socket.resume();
      await new Promise((resolve) => socket.on('close', resolve));
    }
  });

  test('does not wait for a claim forever', async (t) => {
    const { server } = createForwarder({ patienceMs: 50 });
    t.after(() => server.close());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.resume();
    await once(socket, 'close');
  });
});
