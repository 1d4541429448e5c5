import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import {
  all,
  closed,
  connectRequest,
  sandbox,
  startEcho,
  startGateway,
  startHttp,
  startTcp,
  take,
  takeHead,
  until,
} from './world.ts';

const other = '127.0.0.3';

suite('the gateway holds its limits', { timeout: 60_000 }, () => {
  test('so many connections for each sandbox, and one more when one is closed', async (t) => {
    const { enter, gateway, refusals, count } = await startGateway(t, { limits: { connectionsPerSandbox: 3 } });
    gateway.grant(other, { sandboxId: 'sbx_other' });
    const held = [enter(), enter(), enter()];
    await until(() => count.open === 3);
    assert.equal(await all(enter()), '');
    assert.deepEqual(refusals, ['too_many_connections']);
    enter(other);
    await until(() => count.open === 4);
    held[0]?.destroy();
    await until(() => count.open === 3);
    enter();
    await until(() => count.open === 4);
  });

  test('as many to servers, however many requests one connection sends without waiting', async (t) => {
    const silent: Socket[] = [];
    const port = await startTcp(t, (socket) => void silent.push(socket.resume()));
    const { enter, refusals } = await startGateway(t, {
      routes: { 'api.example': `127.0.0.1:${port}` },
      limits: { connectionsPerSandbox: 3 },
    });
    const socket = enter();
    socket.write('GET http://api.example/ HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(50));
    await until(() => refusals.length === 47);
    assert.deepEqual([...new Set(refusals)], ['too_many_connections']);
    await until(() => silent.length === 3);
    for (const far of silent) far.end('HTTP/1.1 200 Fine\r\nContent-Length: 0\r\n\r\n');
    assert.match(await takeHead(socket), /^HTTP\/1.1 200 /);
    const next = enter();
    await until(() => silent.every((far) => far.closed));
    next.write(connectRequest('api.example:443'));
    assert.match(await takeHead(next), /^HTTP\/1.1 200 /);
  });

  test('headers of 16 KiB and no more', async (t) => {
    const port = await startHttp(t, (_, response) => response.end('fine'));
    const { enter } = await startGateway(t, { routes: { 'api.example': `127.0.0.1:${port}` } });
    const answerTo = (bytes: number) => {
      const socket = enter();
      socket.write(
        `GET http://api.example/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: ${'x'.repeat(bytes)}\r\n\r\n`,
      );
      return all(socket);
    };
    assert.match(await answerTo(14 * 1024), /^HTTP\/1.1 200 /);
    assert.match(await answerTo(17 * 1024), /^HTTP\/1.1 431 /);
  });

  test('a connection that never says what it wants is closed, in HTTP, in SOCKS5 and in silence', async (t) => {
    const { enter } = await startGateway(t, { limits: { headerMs: 50 } });
    for (const start of ['', 'GET http://api.exam', '\x05', '\x05\x01\x00\x05\x01']) {
      const socket = enter();
      socket.write(start, 'latin1');
      await closed(socket);
    }
  });

  test('a connection that says nothing more after an answer is closed', async (t) => {
    const port = await startHttp(t, (_, response) => response.end('fine'));
    const { enter } = await startGateway(t, {
      routes: { 'api.example': `127.0.0.1:${port}` },
      limits: { keepAliveMs: 50 },
    });
    const socket = enter();
    socket.write('GET http://api.example/ HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.match(await all(socket), /fine/);
  });

  test('a slow answer is no idle connection', async (t) => {
    const port = await startHttp(t, (_, response) => void setTimeout(() => response.end('fine'), 3_000));
    const { enter } = await startGateway(t, {
      routes: { 'api.example': `127.0.0.1:${port}` },
      limits: { keepAliveMs: 50, headerMs: 2_000, connectMs: 2_000 },
    });
    const socket = enter();
    socket.write('GET http://api.example/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    assert.match(await all(socket), /fine/);
  });

  test('a tunnel over which nothing goes is closed on both sides', async (t) => {
    const farSide = Promise.withResolvers<Socket>();
    const port = await startTcp(t, farSide.resolve);
    const { enter } = await startGateway(t, {
      routes: { 'api.example': `127.0.0.1:${port}` },
      limits: { idleMs: 2_000 },
    });
    const socket = enter();
    socket.write(connectRequest('api.example:443'));
    assert.match(await takeHead(socket), / 200 /);
    await Promise.all([closed(socket), closed(await farSide.promise)]);
  });

  test('revoking a sandbox closes all its connections, near and far, and nobody else’s', async (t) => {
    const farSides: Socket[] = [];
    const port = await startTcp(t, (socket) => farSides.push(socket));
    const { enter, gateway, count } = await startGateway(t, { routes: { 'api.example': `127.0.0.1:${port}` } });
    gateway.grant(other, { sandboxId: 'sbx_other' });
    const open = async (source: string) => {
      const socket = enter(source);
      socket.write(connectRequest('api.example:443'));
      await takeHead(socket);
      return socket;
    };
    const mine = [await open(sandbox), await open(sandbox), enter(sandbox)];
    const theirs = await open(other);
    await until(() => count.open === 4);
    gateway.revoke(sandbox);
    await Promise.all(mine.map(closed));
    await Promise.all(farSides.slice(0, 2).map(closed));
    assert.equal(theirs.destroyed, false);
    assert.equal(await all(enter(sandbox)), '');
    gateway.revoke(sandbox);
  });

  test('revoking a sandbox also ends what it was still waiting for', async (t) => {
    const aborted = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const { enter, gateway } = await startGateway(t, {
      resolve: (_name, signal) =>
        new Promise((_resolve, reject) => {
          asked.resolve();
          signal.addEventListener('abort', () => {
            aborted.resolve();
            reject(signal.reason);
          });
        }),
    });
    enter().write(connectRequest('slow.example:443'));
    await asked.promise;
    gateway.revoke(sandbox);
    await aborted.promise;
  });

  test('a side that has ended may still listen', async (t) => {
    const port = await startTcp(t, (socket) => void all(socket).then((said) => socket.end(`you said ${said}`)));
    const { enter } = await startGateway(t, { routes: { 'api.example': `127.0.0.1:${port}` } });
    const socket = enter();
    socket.write(connectRequest('api.example:443'));
    await takeHead(socket);
    socket.end('all of it');
    assert.equal(await all(socket), 'you said all of it');

    const ends = await startTcp(t, (far) => {
      far.end('first word');
      far.on('data', (chunk) => chunk.toString().endsWith('last word') && heard.resolve());
    });
    const heard = Promise.withResolvers<void>();
    const second = await startGateway(t, { routes: { 'api.example': `127.0.0.1:${ends}` } });
    const speaker = second.enter();
    speaker.write(connectRequest('api.example:443'));
    await takeHead(speaker);
    assert.equal(await all(speaker), 'first word');
    speaker.end('last word');
    await heard.promise;
  });

  test('a slow reader slows the sender down instead of filling memory', async (t) => {
    let sent = 0;
    const chunk = Buffer.alloc(64 * 1024);
    const stalled = Promise.withResolvers<void>();
    const port = await startTcp(t, (socket) => {
      const pump = () => {
        while (sent < 1024 * 1024 * 1024 && socket.write(chunk)) sent += chunk.length;
        stalled.resolve();
      };
      socket.on('drain', pump);
      pump();
    });
    const { enter } = await startGateway(t, { routes: { 'api.example': `127.0.0.1:${port}` } });
    const before = process.memoryUsage().arrayBuffers + process.memoryUsage().external;
    const socket = enter();
    socket.write(connectRequest('api.example:443'));
    await takeHead(socket);
    await stalled.promise;
    // Settled: nothing more was sent in many turns.
    for (let last = -1, quiet = 0; quiet < 2000; quiet = last === sent ? quiet + 1 : 0) {
      last = sent;
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(sent < 64 * 1024 * 1024, `${sent} bytes were sent`);
    const used = process.memoryUsage().arrayBuffers + process.memoryUsage().external - before;
    assert.ok(used < 32 * 1024 * 1024, `${used} bytes are held`);
    const stoppedAt = sent;
    socket.resume();
    await until(() => sent > stoppedAt + 16 * 1024 * 1024);
  });

  test('bytes are counted by direction when a connection closes', async (t) => {
    const port = await startEcho(t);
    const { enter, count } = await startGateway(t, { routes: { 'api.example': `127.0.0.1:${port}` } });
    const socket = enter();
    const ask = connectRequest('api.example:443');
    socket.write(ask);
    const head = await takeHead(socket);
    socket.end(Buffer.alloc(100_000));
    await all(socket);
    await until(() => count.open === 0);
    assert.deepEqual(count, { open: 0, in: head.length + 100_000, out: ask.length + 100_000 });
  });

  test('any first bytes are answered or closed, and the next sandbox is served', async (t) => {
    const port = await startEcho(t);
    const { enter, count } = await startGateway(t, {
      routes: { 'api.example': `127.0.0.1:${port}` },
      limits: { headerMs: 20, hangUpMs: 20 },
    });
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      fc.uint8Array({ maxLength: 40 }).map((rest) => Uint8Array.from([5, ...rest])),
      fc.string().map((text) => new Uint8Array(Buffer.from(`CONNECT ${text} HTTP/1.1\r\n\r\n`))),
      fc
        .webUrl()
        .map((url) => new Uint8Array(Buffer.from(`GET ${url} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`))),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (start) => {
        const socket = enter();
        socket.end(start);
        await closed(socket);
      }),
      { numRuns: 200 },
    );
    await until(() => count.open === 0);
    let answer = '';
    // One that a busy machine reads too late is cut off as well.
    for (let tries = 0; tries < 20 && answer === ''; tries += 1) {
      const socket = enter();
      socket.write(connectRequest('api.example:443'));
      answer = (await take(socket, 12)).toString();
    }
    assert.match(answer, /^HTTP\/1.1 200/);
  });

  test('closing the gateway closes everything', async (t) => {
    const { enter, gateway, count } = await startGateway(t);
    const socket = enter();
    await until(() => count.open === 1);
    await Promise.all([gateway.close(), closed(socket)]);
    assert.equal(count.open, 0);
  });
});
