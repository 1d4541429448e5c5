import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  all,
  connectRequest,
  sandbox,
  socksRequest,
  startEcho,
  startGateway,
  startHttp,
  take,
  takeHead,
} from './world.ts';

const options = { timeout: 60_000 };

/** A gateway that counts what flows for the sandbox; `echo.example` and `web.example` are behind it. */
async function startCounting(t: TestContext) {
  const [echo, web] = [await startEcho(t), await startHttp(t, (_, response) => response.end('fine'))];
  const routes = { 'echo.example': `127.0.0.1:${echo}`, 'web.example': `127.0.0.1:${web}` };
  const world = await startGateway(t, { routes });
  const flows = { count: 0 };
  const onFlow = () => {
    flows.count += 1;
  };
  const heard: string[] = [];
  const onRefused = ({ message }: Error) => void heard.push(message);
  world.gateway.grant(sandbox, { sandboxId: 'sbx_test', onFlow, onRefused });
  return { ...world, flows, heard };
}

test('a tunnel flows when it comes about, and with what goes over it either way', options, async (t) => {
  const { enter, flows } = await startCounting(t);
  const socket = enter();
  socket.write(connectRequest('echo.example:443'));
  assert.match(await takeHead(socket), /^HTTP\/1\.1 200/);
  const opened = flows.count;
  assert.ok(opened > 0);
  socket.write('there');
  assert.equal((await take(socket, 5)).toString(), 'there');
  assert.equal(flows.count, opened + 2);
});

test('so does one of SOCKS, and a plain request', options, async (t) => {
  const { enter, flows } = await startCounting(t);
  const socket = enter();
  const { greeting, request } = socksRequest('echo.example', 443);
  socket.write(greeting);
  await take(socket, 2);
  assert.equal(flows.count, 0);
  socket.write(request);
  await take(socket, 10);
  const opened = flows.count;
  assert.ok(opened > 0);
  const plain = enter();
  plain.write('GET http://web.example/ HTTP/1.1\r\nHost: web.example\r\nConnection: close\r\n\r\n');
  assert.match(await all(plain), /fine$/);
  assert.ok(flows.count > opened);
});

test('what is refused does not flow, and its owner hears why', options, async (t) => {
  const { enter, flows, refusals, heard } = await startCounting(t);
  const socket = enter();
  socket.write(connectRequest('127.0.0.1:443'));
  assert.match(await takeHead(socket), /^HTTP\/1\.1 403/);
  const broken = enter();
  broken.write('GET /here HTTP/1.1\r\nHost: here\r\n\r\n');
  assert.match(await takeHead(broken), /^HTTP\/1\.1 403/);
  const other = enter();
  other.write(connectRequest('other.example:444'));
  assert.match(await takeHead(other), /^HTTP\/1\.1 403/);
  assert.deepEqual(refusals, ['address', 'protocol', 'port']);
  assert.equal(heard[0], '127.0.0.1 is not a public internet address.');
  assert.equal(heard[2], 'Port 444 of other.example is not open to sandboxes.');
  assert.equal(flows.count, 0);
});
