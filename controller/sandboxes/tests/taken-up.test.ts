import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeDriver } from '@polydev/drivers/fake/driver';
import { isFinal, newId, type SandboxId, type SandboxState, sandboxMoves } from '@polydev/protocol';
import * as box from '@polydev/vault/box';
import { testTimeout } from '../../testing/stage.ts';
import { openSandboxes } from './open-sandboxes.ts';

const states = (Object.keys(sandboxMoves) as SandboxState[]).filter((state) => !isFinal(sandboxMoves, state));

/** The moves that lead there in the fewest steps. */
function wayTo(wanted: SandboxState): SandboxState[] {
  const ways: SandboxState[][] = [['planned']];
  for (const way of ways) {
    const at = way.at(-1) as SandboxState;
    if (at === wanted) return way.slice(1);
    ways.push(...sandboxMoves[at].map((next) => [...way, next]));
  }
  throw new Error(`Nothing leads to ${wanted}.`);
}

for (const state of states) {
  test(`a sandbox that was ${state} when its controller died, and is nobody’s, is swept`, testTimeout, async (t) => {
    const real = createFakeDriver({ box });
    const destroyed: SandboxId[] = [];
    const destroy = async (id: SandboxId) => {
      destroyed.push(id);
      await real.destroy(id);
    };
    const opened = await openSandboxes(t, { driver: { ...real, destroy } });
    const id = newId('sandbox');
    await opened.rows.insert({ id, profile: 'headless', owner: null, userId: null, provider: null, keys: null });
    for (const next of wayTo(state)) await opened.rows.move(id, next);
    await opened.sandboxes.recover(new Set());
    assert.deepEqual([destroyed, await opened.rows.present()], [[id], []]);
    assert.equal((await opened.states(id)).at(-1), 'gone');
  });
}

test('one that was let go is taken up by who starts next, and goes on', testTimeout, async (t) => {
  const { sandboxes, start, driver, known, request } = await openSandboxes(t);
  const sandbox = await sandboxes.acquire(request);
  sandbox.letGo();
  assert.deepEqual([...known], []);
  await sandboxes.stop({ keep: false });
  assert.equal((await driver.list()).length, 1);

  const next = start();
  await next.recover(new Set([request.owner]));
  const again = await next.adopt(request.owner);
  assert.equal(again?.id, sandbox.id);
  assert.equal(known.size, 1);
  const bundle = { kind: 'api_key', provider: 'openai_codex', apiKey: 'sk-12345678' } as const;
  driver.agentOf(sandbox.id).hold({ status: 'valid', bundle, changed: true });
  const { sealed } = await again.agent.collect();
  assert.ok(sealed);
  assert.match(Buffer.from(again.open(sealed)).toString(), /sk-12345678/);
  await again.agent.restore(again.seal(Buffer.from(JSON.stringify(bundle))));
  assert.equal(await next.adopt(request.owner), null);
  await next.stop({ keep: false });
  assert.deepEqual([await driver.list(), [...known]], [[], []]);
});

test('one that died meanwhile is not taken up, and nothing of it is left', testTimeout, async (t) => {
  const { sandboxes, start, driver, rows, request } = await openSandboxes(t);
  const sandbox = await sandboxes.acquire(request);
  sandbox.letGo();
  await sandboxes.stop({ keep: false });
  await driver.kill(sandbox.id);
  const next = start();
  await next.recover(new Set([request.owner]));
  assert.equal(await next.adopt(request.owner), null);
  assert.deepEqual([await driver.list(), await rows.present()], [[], []]);
});
