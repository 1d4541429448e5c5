import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { all, closed, socksRequest, startEcho, startGateway, take } from './world.ts';

const granted = Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);

suite('SOCKS5 through the gateway', { timeout: 30_000 }, () => {
  test('CONNECT to a name carries bytes both ways', async (t) => {
    const port = await startEcho(t);
    const { enter } = await startGateway(t, { routes: { 'api.example': `127.0.0.1:${port}` } });
    const socket = enter();
    const { greeting, request } = socksRequest('api.example', 443);
    socket.write(greeting);
    assert.deepEqual(await take(socket, 2), Buffer.from([5, 0]));
    socket.write(request);
    assert.deepEqual(await take(socket, 10), granted);
    socket.end('hello');
    assert.equal(await all(socket), 'hello');
  });

  test('everything in one piece is understood, and so is everything byte by byte', async (t) => {
    const port = await startEcho(t);
    const { enter } = await startGateway(t, { routes: { 'api.example': `127.0.0.1:${port}` } });
    const { greeting, request } = socksRequest('api.example', 443);
    const whole = Buffer.concat([greeting, request, Buffer.from('hello')]);
    for (const step of [whole.length, 1]) {
      const socket = enter();
      socket.setNoDelay(true);
      for (let at = 0; at < whole.length; at += step) {
        socket.write(whole.subarray(at, at + step));
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.deepEqual(await take(socket, 12), Buffer.concat([Buffer.from([5, 0]), granted]));
      assert.deepEqual(await take(socket, 5), Buffer.from('hello'));
    }
  });

  test('literal addresses are taken in both families', async (t) => {
    const port = await startEcho(t);
    const routes = { '192.0.2.7': `127.0.0.1:${port}`, '2001:db8::7': `127.0.0.1:${port}` };
    const { enter } = await startGateway(t, { routes });
    const ipv4 = [1, 192, 0, 2, 7];
    const ipv6 = [4, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
    for (const address of [ipv4, ipv6]) {
      const socket = enter();
      socket.write(Buffer.from([5, 1, 0, 5, 1, 0, ...address, 1, 187]));
      assert.deepEqual(await take(socket, 12), Buffer.concat([Buffer.from([5, 0]), granted]));
    }
  });

  test('what it cannot do it says by the right code', async (t) => {
    const { enter, refusals } = await startGateway(t, { routes: { 'gone.example': '127.0.0.1:1' } });
    const ask = async (...bytes: number[]) => {
      const socket = enter();
      socket.write(Buffer.from(bytes));
      const answer = Buffer.from(await all(socket), 'latin1');
      await closed(socket.end());
      return answer;
    };
    const name = [3, 12, ...Buffer.from('gone.example')];
    assert.deepEqual(await ask(5, 1, 2), Buffer.from([5, 0xff]), 'only with a login');
    assert.deepEqual(await ask(5, 0), Buffer.from([5, 0xff]), 'no method at all');
    assert.equal((await ask(5, 1, 0, 5, 2, 0, ...name, 1, 187))[3], 7, 'BIND');
    assert.equal((await ask(5, 1, 0, 5, 3, 0, ...name, 1, 187))[3], 7, 'UDP');
    assert.equal((await ask(5, 1, 0, 5, 1, 0, 9, 1, 187))[3], 8, 'an unknown kind of address');
    assert.equal((await ask(5, 1, 0, 5, 1, 0, ...name, 1, 187))[3], 4, 'nobody answers there');
    assert.equal((await ask(5, 1, 0, 5, 1, 0, 3, 0, 1, 187))[3], 2, 'an empty name');
    assert.equal((await ask(5, 1, 0, 5, 1, 0, 1, 8, 8, 8, 8, 0, 25))[3], 2, 'a closed port');
    assert.deepEqual(refusals, ['unavailable', 'name', 'port']);
  });
});
