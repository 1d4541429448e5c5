/** Two whole products on one PostgreSQL and one Redis: they share everything but their hosts, and outlive each other. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startDoubles } from '@polydev/doubles';
import type { Run, SessionId } from '@polydev/protocol';
import { createPolydev, type Polydev } from '@polydev/sdk';
import { createWebSocketStream, WebSocket } from 'ws';
import { type HostPaths, projectRoot } from '../setup/paths.ts';
import { skipTestServers, startTestPostgres, startTestRedis } from '../setup/test-servers.ts';
import { findLeftovers } from './leftovers.ts';
import { setUpOwner } from './owner.ts';
import { kill } from './processes.ts';
import { startProduct } from './product.ts';
import { waitForPicture } from './rfb-picture.ts';
import { assertReason } from './stage.ts';

const skip = process.getuid?.() === 0 ? skipTestServers : 'needs root';
const endMs = 180_000;

test('two controllers share leases, tickets and events, and one goes on when the other is gone', {
  skip,
  timeout: 30 * 60_000,
}, async (t) => {
  const [database, redis, doubles] = await Promise.all([startTestPostgres(), startTestRedis(), startDoubles({})]);
  t.after(() => Promise.all([database.remove(), redis.remove(), doubles.close()]));
  const env = {
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    POLYDEV_MASTER_KEY: randomBytes(32).toString('base64url'),
  };
  const routes = Object.fromEntries(doubles.hosts.map((host) => [host, `127.0.0.1:${doubles.port}`]));
  const options = { config: { egress: { routes } }, extraCaPem: doubles.caPem, env };

  const first = await startProduct(options);
  t.after(async () => {
    await first.stop();
    first.remove();
  });
  const token = await setUpOwner(first);
  const second = await startProduct(options);
  t.after(async () => {
    await second.stop();
    second.remove();
  });
  assert.equal(second.setupUrl, '');
  const [one, two] = [first, second].map(({ url }) => createPolydev({ baseUrl: url, token })) as [Polydev, Polydev];
  const ask = (word: string) => ({ provider: 'claude_code', prompt: `Please say exactly ${word}` }) as const;
  const [apiKey = ''] = doubles.state.apiKeys.claude_code;
  await one.credentials.addApiKey({ provider: 'claude_code', apiKey });

  await t.test('a ticket of one opens the picture at the other, whose sign-in it is', async () => {
    const { sessionId } = await one.sessions.start({ provider: 'openai_codex' });
    await untilReady(two, sessionId);
    const { url, protocols } = await two.sessions.display(sessionId);
    const at = new URL(url);
    at.port = new URL(first.url).port;
    const socket = new WebSocket(at, protocols, { perMessageDeflate: false });
    await waitForPicture(createWebSocketStream(socket), ({ width }) => width > 0);
    // And what one works on, the other ends.
    await two.sessions.cancel(sessionId);
    for await (const _ of one.sessions.events(sessionId));
    assert.equal((await one.sessions.get(sessionId)).state, 'cancelled');
  });

  let running: Run;
  let waiting: Run;
  await t.test('one uses a credential, and the other waits for it', async () => {
    doubles.state.behaviour.claude_code.model = 'slow';
    running = await one.runs.start(ask('one two three four five six seven eight nine ten'));
    for await (const { event } of two.runs.stream(running.id)) if (event.type === 'event') break;
    waiting = await two.runs.start(ask('quince'));
    assert.equal((await two.runs.get(running.id)).state, 'running');
    assert.equal((await one.runs.get(waiting.id)).state, 'queued');
  });

  let signingIn: SessionId;
  await t.test('somebody signs in at one, and the other sees it', async () => {
    signingIn = (await one.sessions.start({ provider: 'openai_codex' })).sessionId;
    await untilReady(two, signingIn);
  });

  await t.test(
    'one is killed with its host service and stays away: its run and its sign-in end with a reason, the other’s goes on',
    async () => {
      killAll(first.paths);
      doubles.state.behaviour.claude_code.model = 'ok';
      const signal = AbortSignal.timeout(3 * endMs);
      for await (const _ of two.runs.stream(running.id, { signal }));
      const ended = await two.runs.get(running.id);
      assert.equal(ended.state, 'failed');
      assertReason(ended, 'controller_restarted');
      for await (const _ of two.sessions.events(signingIn, { signal }));
      const signIn = await two.sessions.get(signingIn);
      assert.equal(signIn.state, 'failed');
      assertReason(signIn, 'controller_restarted');
      for await (const _ of two.runs.stream(waiting.id, { signal }));
      const other = await two.runs.get(waiting.id);
      assert.equal(other.state, 'succeeded', JSON.stringify(other.reason));
      assert.match(other.answer, /quince/);
      assert.deepEqual(
        (await two.sandboxes.list()).filter(({ owner }) => owner !== null),
        [],
      );
    },
  );

  await t.test('what it left on its host goes with one command', async () => {
    assert.notDeepEqual(await findLeftovers(first.paths), []);
    await promisify(execFile)(join(projectRoot, 'polydev'), ['down', '--data', first.paths.home]);
    assert.deepEqual(await findLeftovers(first.paths), []);
  });
});

async function untilReady(polydev: Polydev, id: SessionId): Promise<void> {
  for await (const { event } of polydev.sessions.events(id))
    if (event.type === 'state' && event.state === 'ready') return;
  assert.fail('The sign-in has ended.');
}

/** `up` first, since it would start the others again. */
function killAll(paths: HostPaths): void {
  const mine = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), command: read(`/proc/${name}/cmdline`) }))
    .filter(({ command }) => command.includes(paths.home) && command.includes('main.ts'));
  mine.sort((a, b) => Number(b.command.includes('setup/main.ts')) - Number(a.command.includes('setup/main.ts')));
  // What it started ends with it, perhaps before it is killed.
  kill(mine.map(({ pid }) => pid));
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // It ended while we looked.
  }
}
