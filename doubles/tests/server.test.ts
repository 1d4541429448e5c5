import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { doubledHosts, type SeenRequest } from '../index.ts';
import { startFastDoubles } from './fast-doubles.ts';
import { signIns, startSignIn } from './sign-in-steps.ts';
import { titleOf } from './visitor.ts';

const timeout = 20_000;

test('every name it stands for is certified by the throw-away authority', { timeout }, async (t) => {
  const { doubles } = await startFastDoubles(t);
  assert.deepEqual(doubles.hosts, doubledHosts);
  for (const servername of doubles.hosts) {
    const socket = connect({ host: doubles.address, port: doubles.port, servername, ca: doubles.caPem });
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    assert.ok(socket.authorized);
    socket.destroy();
  }
});

test('two starts share no authority and no API key', { timeout }, async (t) => {
  const [one, two] = await Promise.all([startFastDoubles(t), startFastDoubles(t)]);
  assert.notEqual(one.doubles.caPem, two.doubles.caPem);
  const keys = [one, two].flatMap(({ doubles }) => Object.values(doubles.state.apiKeys).flatMap((set) => [...set]));
  assert.equal(new Set(keys).size, 6);
});

test('a path belongs to its host only', { timeout }, async (t) => {
  const { visitor } = await startFastDoubles(t);
  assert.equal((await visitor.ask('https://api.anthropic.com/api/hello')).status, 200);
  assert.equal((await visitor.ask('https://api.anthropic.com:8443/api/hello')).status, 200);
  assert.equal((await visitor.ask('https://claude.com/api/hello')).status, 404);
});

test('requests are reported without their query', { timeout }, async (t) => {
  const seen: SeenRequest[] = [];
  const { visitor } = await startFastDoubles(t, { onRequest: (request) => seen.push(request) });
  await visitor.ask('https://platform.claude.com/oauth/code/callback?code=secret&state=secret');
  const expected = { method: 'GET', host: 'platform.claude.com', path: '/oauth/code/callback', status: 200 };
  assert.deepEqual(seen, [expected]);
});

test('the consent page says who signs in to what, and Enter approves', { timeout }, async (t) => {
  const accounts = { claude_code: { name: 'Ada <script>', email: 'ada@example.com' } };
  const { visitor } = await startFastDoubles(t, { accounts });
  const [claude] = signIns;
  assert.ok(claude);
  const page = await visitor.ask(startSignIn(claude).address);
  assert.equal(titleOf(page), 'Approve sign-in to Claude');
  assert.match(page.body, /Ada &lt;script&gt;/);
  assert.match(page.body, /ada@example\.com/);
  assert.match(page.body, /<button class="main" id="approve"[^>]* autofocus>Approve</);
  assert.match(page.body, /<button id="deny"/);
});
