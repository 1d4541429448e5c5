import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { suite, test } from 'node:test';
import { AgentHealth, errorCatalogue, limits, rfbUpgrade } from '@polydev/protocol';
import { startScratchAgent, token } from './scratch-agent.ts';

suite('the agent over HTTP', { timeout: 120_000 }, () => {
  const routes: [string, string][] = [
    ['GET', '/health'],
    ['POST', '/claim'],
    ['GET', '/events'],
    ['POST', '/credential/restore'],
    ['POST', '/credential/collect'],
    ['POST', '/exec'],
    ['GET', '/exec/x/events'],
    ['DELETE', '/exec/x'],
    ['GET', '/nowhere'],
  ];

  test('answers no one without the token', async (t) => {
    const { port } = await startScratchAgent(t);
    for (const authorization of ['', 'Bearer', `Bearer ${token}x`, token, `Basic ${token}`])
      for (const [method, path] of routes) {
        const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers: { authorization } });
        assert.equal(answer.status, 401, `${method} ${path} with "${authorization}"`);
      }
    const stream = request({ port, path: '/rfb', headers: { connection: 'Upgrade', upgrade: rfbUpgrade } }).end();
    const [refusal] = await once(stream, 'response');
    assert.equal(refusal.statusCode, 401);
  });

  test('says how it is, in the shape of the protocol', async (t) => {
    const agent = await startScratchAgent(t, { profile: 'headless' });
    assert.deepEqual(await agent.ask(AgentHealth, 'GET', '/health'), {
      version: '0.0.0',
      profile: 'headless',
      claimed: false,
      desktop: [],
    });
    await agent.claim();
    assert.equal((await agent.ask(AgentHealth, 'GET', '/health')).claimed, true);
  });

  test('refuses in one shape: what is no route, no JSON, no fit, too long, or too early', async (t) => {
    const agent = await startScratchAgent(t, { profile: 'headless' });
    const exec = { id: 'a', argv: ['true'], env: {}, files: [], stdin: '', deadlineMs: 1000 };
    const cases: [keyof typeof errorCatalogue, string, string, unknown][] = [
      ['not_found', 'GET', '/nowhere', undefined],
      ['not_found', 'PUT', '/health', undefined],
      ['not_found', 'GET', '/exec/none/events', undefined],
      ['not_found', 'DELETE', '/exec/none', undefined],
      ['invalid_request', 'POST', '/claim', undefined],
      ['invalid_request', 'POST', '/claim', { provider: 'another' }],
      ['invalid_request', 'GET', '/events?after=-1', undefined],
      ['payload_too_large', 'POST', '/prepare', { extraCa: 'x'.repeat(200 * 1024) }],
      ['unavailable', 'POST', '/credential/collect', undefined],
      ['unavailable', 'POST', '/exec', exec],
    ];
    for (const [code, method, path, body] of cases) {
      const answer = await agent.call(method, path, body);
      assert.equal(answer.status, errorCatalogue[code].status, `${method} ${path}`);
      const { error } = await answer.json();
      assert.equal(error.code, code);
      assert.equal(typeof error.message, 'string');
    }
  });

  test('takes the longest prompt there may be', async (t) => {
    const agent = await startScratchAgent(t);
    await agent.claim();
    const stdin = '\u0001'.repeat(limits.promptChars);
    const exec = { id: 'long', argv: ['true'], env: {}, files: [], stdin, deadlineMs: 10_000 };
    assert.equal((await agent.call('POST', '/exec', exec)).status, 202);
  });
});
