import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFinal, type SandboxState, sandboxMoves } from '@polydev/protocol';
import { eq } from 'drizzle-orm';
import { sandboxes as table } from '../../store/schema.ts';
import { testTimeout } from '../../testing/stage.ts';
import { openSandboxes } from './open-sandboxes.ts';

const [waiting, others] = [
  ['idle', 'hibernated'],
  ['planned', 'creating', 'booting', 'claimed', 'stopping', 'failed'],
];

test('each state that a controller can die in has its case', () => {
  const unfinished = Object.keys(sandboxMoves).filter((state) => !isFinal(sandboxMoves, state));
  assert.deepEqual([...waiting, ...others].toSorted(), unfinished.toSorted());
});

for (const state of [...waiting, ...others] as SandboxState[]) {
  const lives = waiting.includes(state);
  const end = lives ? 'waits on' : 'is swept';
  test(`a sandbox that was ${state} when its controller died, and is nobody’s, ${end}`, testTimeout, async (t) => {
    const { start, makeIdle, states, driver, rows, sandboxes, request, db } = await openSandboxes(t);
    const { id } = state === 'claimed' ? await sandboxes.acquire(request) : await makeIdle();
    await db.update(table).set({ state }).where(eq(table.id, id));
    const next = start();
    await next.recover(new Set());
    const left = [await driver.list(), await rows.present()].map((found) => found.map((sandbox) => sandbox.id));
    assert.deepEqual(left, lives ? [[id], [id]] : [[], []]);
    if (!lives) assert.equal((await states(id)).at(-1), 'gone');
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
