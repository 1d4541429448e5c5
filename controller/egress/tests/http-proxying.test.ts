import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { suite, test } from 'node:test';
import { all, connectRequest, startEcho, startGateway, startHttp, startTcp, take, takeHead } from './world.ts';

suite('HTTP through the gateway', { timeout: 30_000 }, () => {
  test('CONNECT carries bytes both ways, also those that came with the request', async (t) => {
    const port = await startEcho(t);
    const { enter } = await startGateway(t, { routes: { 'api.example': `127.0.0.1:${port}` } });
    const socket = enter();
    socket.write(`${connectRequest('API.example.:443')}early `);
    assert.match(await takeHead(socket), /^HTTP\/1.1 200 /);
    socket.end('late');
    assert.equal(await all(socket), 'early late');
  });

  test('a request that comes byte by byte is understood', async (t) => {
    const port = await startEcho(t);
    const { enter } = await startGateway(t, { routes: { 'api.example': `127.0.0.1:${port}` } });
    const socket = enter();
    socket.setNoDelay(true);
    for (const byte of Buffer.from(connectRequest('api.example:443'))) {
      socket.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.match(await takeHead(socket), /^HTTP\/1.1 200 /);
  });

  test('a request in absolute form arrives in origin form, without what was for the proxy', async (t) => {
    const port = await startHttp(t, (incoming, response) => {
      const { method, url, headers } = incoming;
      response.writeHead(201, 'Made', { 'set-cookie': ['a=1', 'b=2'], 'keep-alive': 'timeout=9', 'x-kept': 'yes' });
      void text(incoming).then((body) => response.end(JSON.stringify({ method, url, headers, body })));
    });
    const { enter } = await startGateway(t, { routes: { 'api.example': `127.0.0.1:${port}` } });
    const socket = enter();
    const headers = [
      ...['Host: other.example', 'Proxy-Authorization: Basic c2VjcmV0', 'Proxy-Connection: keep-alive', 'TE: trailers'],
      ...['Connection: close, X-Mine', 'X-Mine: hop', 'X-Kept: end', 'Upgrade: websocket', 'Content-Length: 4'],
    ];
    socket.write(`POST http://api.example/a/../b?c=%20#d HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\nbody`);
    const [head = '', body = ''] = (await all(socket)).split('\r\n\r\n');
    const seen = JSON.parse(body.slice(body.indexOf('{'), body.lastIndexOf('}') + 1));
    assert.equal(seen.method, 'POST');
    assert.equal(seen.url, '/a/../b?c=%20');
    assert.equal(seen.body, 'body');
    assert.deepEqual(seen.headers, {
      host: 'api.example',
      'x-kept': 'end',
      'content-length': '4',
      connection: 'close',
    });
    assert.match(head, /^HTTP\/1.1 201 Made\r\n/);
    assert.match(head, /set-cookie: a=1\r\nset-cookie: b=2/);
    assert.match(head, /x-kept: yes/);
    assert.doesNotMatch(head, /timeout=9/);
  });

  test('a body in chunks stays a body in chunks, both ways, and streams', async (t) => {
    const port = await startHttp(t, (incoming, response) => {
      assert.equal(incoming.headers['transfer-encoding'], 'chunked');
      incoming.pipe(response);
    });
    const { port: proxy } = await startGateway(t, { routes: { 'api.example': `127.0.0.1:${port}` } });
    const outgoing = request({ port: proxy, path: 'http://api.example/', method: 'POST' });
    outgoing.write('first');
    const answered = await new Promise<import('node:http').IncomingMessage>((resolve) =>
      outgoing.on('response', resolve),
    );
    const pieces: string[] = [];
    for await (const piece of answered) {
      pieces.push(String(piece));
      if (pieces.length === 1) outgoing.end('second');
    }
    assert.deepEqual(pieces, ['first', 'second']);
  });

  test('one connection serves several requests, to several hosts', async (t) => {
    const hosts = ['one.example', 'two.example'];
    const ports = await Promise.all(hosts.map((host) => startHttp(t, (_, response) => response.end(`from ${host}`))));
    const routes = Object.fromEntries(hosts.map((host, index) => [host, `127.0.0.1:${ports[index]}`]));
    const { port, count } = await startGateway(t, { routes });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    for (const host of [...hosts, ...hosts]) {
      const answered = await new Promise<import('node:http').IncomingMessage>((resolve) =>
        request({ port, agent, path: `http://${host}/` }, resolve).end(),
      );
      assert.equal(await text(answered), `from ${host}`);
    }
    assert.equal(count.open, 1);
  });

  test('requests that are sent without waiting are answered in their order', async (t) => {
    const port = await startHttp(t, ({ url }, response) => {
      setTimeout(() => response.end(`<${url}>`), url === '/1' ? 30 : 0);
    });
    const { enter } = await startGateway(t, { routes: { 'api.example': `127.0.0.1:${port}` } });
    const socket = enter();
    const get = (path: string, more = '') => `GET http://api.example${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
    socket.write(get('/1') + get('/2') + get('/3', 'Connection: close\r\n'));
    assert.deepEqual((await all(socket)).match(/<.*?>/g), ['</1>', '</2>', '</3>']);
  });

  test('an answer that breaks off is broken off here too, not completed', async (t) => {
    const port = await startTcp(t, (socket) => {
      socket.once('data', () =>
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf', () => socket.destroy()),
      );
    });
    const { enter } = await startGateway(t, { routes: { 'api.example': `127.0.0.1:${port}` } });
    const socket = enter();
    socket.write('GET http://api.example/ HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.match(await all(socket), /Content-Length: 10\r\n[\s\S]*half$/i);
  });

  test('who does not answer, or does not speak HTTP, is a 502 with a reason', async (t) => {
    const free = await startTcp(t, (socket) => socket.end('nonsense\r\n\r\n'));
    const routes = { 'gone.example': '127.0.0.1:1', 'odd.example': `127.0.0.1:${free}` };
    const { enter, refusals } = await startGateway(t, { routes });
    for (const ask of [
      'GET http://gone.example/ HTTP/1.1\r\nHost: a\r\n\r\n',
      connectRequest('gone.example:443'),
      'GET http://odd.example/ HTTP/1.1\r\nHost: a\r\n\r\n',
    ]) {
      const socket = enter();
      socket.write(ask);
      const answer = await all(socket);
      assert.match(answer, /^HTTP\/1.1 502 /);
      assert.equal(JSON.parse(answer.split('\r\n\r\n')[1] ?? '').error.code, 'unavailable');
    }
    assert.deepEqual(refusals, ['unavailable', 'unavailable']);
  });

  test('an answer that cannot be passed on is a 502, and the next one is served', async (t) => {
    const odd = ['099 low', '000 none', '200 \x01', '200 \x7f'];
    const port = await startTcp(t, (socket) => {
      const line = odd.shift();
      socket.end(line ? `HTTP/1.1 ${line}\r\nContent-Length: 0\r\n\r\n` : 'HTTP/1.1 200 Fine\r\n\r\n');
    });
    const { enter } = await startGateway(t, { routes: { 'api.example': `127.0.0.1:${port}` } });
    const answers: string[] = [];
    for (let turn = odd.length; turn >= 0; turn -= 1) {
      const socket = enter();
      socket.write('GET http://api.example/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      answers.push((await all(socket)).slice(0, 12));
    }
    assert.deepEqual(answers, [...Array(4).fill('HTTP/1.1 502'), 'HTTP/1.1 200']);
  });

  test('what is no proxy request is answered and refused', async (t) => {
    const { enter } = await startGateway(t);
    const asks = [
      'GET / HTTP/1.1',
      'GET https://api.example/ HTTP/1.1',
      'GET ftp://api.example/ HTTP/1.1',
      'OPTIONS * HTTP/1.1',
    ];
    for (const ask of asks) {
      const socket = enter();
      socket.write(`${ask}\r\nHost: a\r\n\r\n`);
      assert.match(await all(socket), /^HTTP\/1.1 403 [\s\S]*"egress_refused"/, ask);
    }
  });

  test('a client that goes away takes its request with it', async (t) => {
    const gone = Promise.withResolvers<void>();
    const port = await startHttp(t, (incoming, response) => {
      response.write('more to come');
      incoming.socket.once('close', () => gone.resolve());
    });
    const { enter } = await startGateway(t, { routes: { 'api.example': `127.0.0.1:${port}` } });
    const socket = enter();
    socket.write('GET http://api.example/ HTTP/1.1\r\nHost: a\r\n\r\n');
    await take(socket, 20);
    socket.destroy();
    await gone.promise;
  });
});
