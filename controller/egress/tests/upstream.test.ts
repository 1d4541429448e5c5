import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { parseUpstream } from '../upstream.ts';
import { all, connectRequest, sandbox, startGateway, startTcp, take, takeHead } from './world.ts';

/** An HTTP proxy that takes this login and echoes; what it was asked. */
async function startHttpProxy(t: TestContext, login?: string) {
  const asked: { authority: string; login: string | undefined }[] = [];
  const server = createServer().on('connect', (request, socket: Socket, head) => {
    const token = request.headers['proxy-authorization']?.replace(/^Basic /, '');
    asked.push({ authority: request.url ?? '', login: token && Buffer.from(token, 'base64').toString() });
    if (login !== undefined && asked.at(-1)?.login !== login)
      return socket.end('HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n');
    socket.write(`HTTP/1.1 200 OK\r\n\r\nproxied ${head}`);
    return socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, asked };
}

/** A SOCKS5 proxy that wants a login, if one is given, and echoes. */
async function startSocksProxy(t: TestContext, login?: { name: string; password: string }) {
  const asked: { host: string; port: number }[] = [];
  const serve = async (socket: Socket) => {
    const [, count = 0] = await take(socket, 2);
    const methods = await take(socket, count);
    const method = login ? 2 : 0;
    if (!methods.includes(method)) return socket.end(Buffer.from([5, 0xff]));
    socket.write(Buffer.from([5, method]));
    if (login) {
      const [, nameLength = 0] = await take(socket, 2);
      const name = (await take(socket, nameLength)).toString();
      const [passwordLength = 0] = await take(socket, 1);
      const password = passwordLength > 0 ? (await take(socket, passwordLength)).toString() : '';
      const right = name === login.name && password === login.password;
      socket.write(Buffer.from([1, right ? 0 : 1]));
      if (!right) return socket.end();
    }
    const [, , , type, length = 0] = await take(socket, 5);
    const host = type === 3 ? (await take(socket, length)).toString() : [length, ...(await take(socket, 3))].join('.');
    asked.push({ host, port: (await take(socket, 2)).readUInt16BE() });
    socket.write(Buffer.concat([Buffer.from([5, 0, 0, 3, 4, ...Buffer.from('here'), 0, 80]), Buffer.from('proxied ')]));
    return socket.pipe(socket);
  };
  const port = await startTcp(t, (socket) => void serve(socket).catch(() => socket.destroy()));
  return { port, asked };
}

async function echoed(socket: Socket): Promise<string> {
  socket.write(connectRequest('api.example:443'));
  const head = await takeHead(socket);
  if (!head.startsWith('HTTP/1.1 200 ')) return head;
  socket.end('hello');
  return all(socket);
}

suite('chaining to another proxy', { timeout: 30_000 }, () => {
  test('by HTTP CONNECT, with the name unresolved and the login that no sandbox gave', async (t) => {
    const proxy = await startHttpProxy(t, 'ada:se:cret/ä');
    const upstream = `http://ada:${encodeURIComponent('se:cret/ä')}@127.0.0.1:${proxy.port}`;
    const { enter, log } = await startGateway(t, { upstream });
    assert.equal(await echoed(enter()), 'proxied hello');
    assert.deepEqual(proxy.asked, [{ authority: 'api.example:443', login: 'ada:se:cret/ä' }]);
    assert.doesNotMatch(JSON.stringify(log), /cret/);
  });

  test('by SOCKS5, with and without a login, to names and addresses', async (t) => {
    const login = { name: 'ada', password: 'secret' };
    const withLogin = await startSocksProxy(t, login);
    const without = await startSocksProxy(t);
    const first = await startGateway(t, { upstream: `socks5://ada:secret@127.0.0.1:${withLogin.port}` });
    assert.equal(await echoed(first.enter()), 'proxied hello');
    const second = await startGateway(t, { upstream: `socks5://127.0.0.1:${without.port}` });
    assert.equal(await echoed(second.enter()), 'proxied hello');
    const socket = second.enter();
    socket.write(connectRequest('8.8.8.8:80'));
    assert.match(await takeHead(socket), /^HTTP\/1.1 200 /);
    assert.deepEqual(withLogin.asked, [{ host: 'api.example', port: 443 }]);
    assert.deepEqual(without.asked, [
      { host: 'api.example', port: 443 },
      { host: '8.8.8.8', port: 80 },
    ]);
  });

  test('a login that the proxy does not want is a 502 that says nothing of it', async (t) => {
    const http = await startHttpProxy(t, 'ada:right');
    const socks = await startSocksProxy(t, { name: 'ada', password: 'right' });
    for (const upstream of [
      `http://ada:wrong@127.0.0.1:${http.port}`,
      `socks5://ada:wrong@127.0.0.1:${socks.port}`,
      `socks5://127.0.0.1:${socks.port}`,
      'http://127.0.0.1:1',
    ]) {
      const { enter } = await startGateway(t, { upstream });
      const socket = enter();
      socket.write(connectRequest('api.example:443'));
      const answer = await all(socket);
      assert.match(answer, /^HTTP\/1.1 502 [\s\S]*"api.example does not answer on port 443."/, upstream);
      assert.doesNotMatch(answer, /ada|wrong/);
    }
  });

  test('private literal addresses and localhost are refused all the same', async (t) => {
    const proxy = await startHttpProxy(t);
    const { enter } = await startGateway(t, { upstream: `http://127.0.0.1:${proxy.port}` });
    for (const host of ['127.0.0.1', '[::1]', '169.254.169.254', '10.0.0.1', 'localhost', '0x7f.1', 'a.example:22']) {
      const socket = enter();
      socket.write(connectRequest(host.endsWith(':22') ? host : `${host}:443`));
      assert.match(await all(socket), /^HTTP\/1.1 403 /, host);
    }
    assert.deepEqual(proxy.asked, []);
  });

  test("routes do not go through it, and a sandbox's own proxy comes before the gateway's", async (t) => {
    const [general, own] = [await startHttpProxy(t), await startHttpProxy(t)];
    const port = await startTcp(t, (socket) => socket.end('the route'));
    const { enter, gateway } = await startGateway(t, {
      upstream: `http://127.0.0.1:${general.port}`,
      routes: { 'api.example': `127.0.0.1:${port}` },
    });
    assert.equal(await echoed(enter()), 'the route');
    gateway.grant(sandbox, { sandboxId: 'sbx_test', upstream: parseUpstream(`http://127.0.0.1:${own.port}`) });
    const socket = enter();
    socket.write(connectRequest('other.example:443'));
    assert.match(await takeHead(socket), /^HTTP\/1.1 200 /);
    assert.deepEqual([general.asked.length, own.asked.length], [0, 1]);
  });

  test('a setting that is no proxy is refused without repeating its password', () => {
    for (const text of ['', 'https://ada:secret@p', 'socks4://ada:secret@p', 'http://ada:%zz@secret', 'ada:secret'])
      assert.throws(
        () => parseUpstream(text),
        (error: Error) => /egress.upstream/.test(error.message) && !/secret/.test(error.message),
        text,
      );
    assert.deepEqual(parseUpstream('socks5://[::1]'), { kind: 'socks5', host: '::1', port: 1080 });
    assert.deepEqual(parseUpstream('http://a%40b:c%3a@h'), {
      kind: 'http',
      host: 'h',
      port: 80,
      login: { name: 'a@b', password: 'c:' },
    });
  });
});
