import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { FakeAgent } from '@polydev/drivers/fake/agent';
import { createFakeDriver } from '@polydev/drivers/fake/driver';
import type { SandboxId, SessionId } from '@polydev/protocol';
import { createPolydev, type Polydev } from '@polydev/sdk';
import * as box from '@polydev/vault/box';
import { gate } from '../testing/tool.ts';
import { type ControllerProcess, scratchFolder, spawnController, startController } from './controller-process.ts';

const timeout = 300_000;
const args = ['--image', 'f'.repeat(64)];

test('a start that fails leaves a sign-in to the next start', { timeout }, async (t) => {
  const { scratch, sessionId, token } = await killedInSignIn(t);
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  const { port } = other.address() as AddressInfo;
  const failed = await startController(t, scratch, [...args, '--port', String(port)]);
  assert.equal(failed.line.error?.code, 'port_taken');
  assert.equal((await failed.exited)[0], 1);

  await assertGoesOn(await startController(t, scratch, args), token, sessionId);
});

test('a start that is stopped while it takes up what was under way leaves it to the next one', {
  timeout,
}, async (t) => {
  const { scratch, sessionId, token, onResume } = await killedInSignIn(t);
  const asked = gate();
  const answered = gate();
  onResume(async () => {
    asked.open();
    await answered.wait;
  });
  const stopped = spawnController(t, scratch, args);
  await asked.wait;
  const stop = stopped.stop();
  answered.open();
  assert.equal((await stop).code, 0, stopped.log());
  assert.deepEqual(stopped.stdout(), []);

  await assertGoesOn(await startController(t, scratch, args), token, sessionId);
});

interface Killed {
  scratch: string;
  /** What a sandbox that is taken up waits for. */
  onResume(wait: () => Promise<void>): void;
  sessionId: SessionId;
  token: string;
}

/** A controller that was killed while a person signed in. */
async function killedInSignIn(t: TestContext): Promise<Killed> {
  const claimed = Promise.withResolvers<FakeAgent>();
  const onCreate = (agent: FakeAgent) => void agent.claimed.then(() => claimed.resolve(agent));
  const driver = createFakeDriver({ box, script: { onCreate } });
  let beforeResume = async () => {};
  const resume = async (id: SandboxId) => {
    await beforeResume();
    await driver.resume(id);
  };
  const scratch = await scratchFolder(t, { driver: { ...driver, resume } });
  const controller = await startController(t, scratch, args);
  const token = await setUp(controller);
  const polydev = clientOf(controller, token);
  const { sessionId } = await polydev.sessions.start({ provider: 'claude_code' });
  (await claimed.promise).emitDesktop('terminal', true);
  for await (const { event } of polydev.sessions.events(sessionId))
    if (event.type === 'state' && event.state === 'ready') break;
  await controller.stop('SIGKILL');
  const onResume = (wait: () => Promise<void>) => {
    beforeResume = wait;
  };
  return { scratch, onResume, sessionId, token };
}

async function assertGoesOn(controller: ControllerProcess, token: string, sessionId: SessionId): Promise<void> {
  assert.equal(controller.line.ready, true, controller.log());
  const polydev = clientOf(controller, token);
  const { state, reason } = await polydev.sessions.get(sessionId);
  assert.equal(state, 'ready', JSON.stringify(reason));
  assert.ok((await polydev.sandboxes.list()).some(({ owner }) => owner === sessionId));
}

function clientOf({ line }: ControllerProcess, token: string): Polydev {
  return createPolydev({ baseUrl: String(line.url), token });
}

async function setUp({ line: { url, setupPath } }: ControllerProcess): Promise<string> {
  const post = (path: string, body: object, cookie = '') =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: String(url), cookie },
      body: JSON.stringify(body),
    });
  const setupToken = String(setupPath).split('token=')[1];
  const made = await post('/api/setup', { setupToken, name: 'Ada', password: 'correct horse battery' });
  const [cookie = ''] = made.headers.getSetCookie().map((text) => text.split(';')[0]);
  const created = await post('/api/tokens', { name: 'test', scopes: ['admin'] }, cookie);
  return ((await created.json()) as { secret: string }).secret;
}
