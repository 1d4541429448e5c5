import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits, newId } from '@polydev/protocol';
import { openStage, testTimeout } from '../../testing/stage.ts';
import { hangs } from '../../testing/tool.ts';

const ask = { provider: 'claude_code', prompt: 'hi' } as const;

test(
  'what a controller that stays away worked on is ended by another, and what waited is done there',
  testTimeout,
  async (t) => {
    const stage = await openStage(t);
    await stage.connect();
    const { session, agent } = await stage.signIn();
    agent.emitDesktop('terminal', true);
    await stage.untilSession(session.id, (event) => event.type === 'state' && event.state === 'ready');
    stage.script.run = hangs;
    const running = await stage.services.runs.start(stage.user, ask);
    await stage.untilRun(running.id, (event) => event.type === 'state' && event.state === 'running');
    await stage.handOver();

    const other = await stage.openOther();
    await other.start();
    const { sessions, runs } = other.services;
    // Not there yet for long enough: nothing is done.
    stage.clock.jump(limits.controllerTtlMs + 1);
    await new Promise(setImmediate);
    assert.equal((await sessions.get(stage.user, session.id)).state, 'ready');

    const over = new AbortController();
    const looking = (async () => {
      while (!over.signal.aborted) {
        stage.clock.jump(limits.controllerTtlMs + 1);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    for await (const _ of await sessions.events(stage.user, session.id, 0, over.signal));
    for await (const _ of await runs.events(stage.user, running.id, 0, over.signal));
    over.abort();
    await looking;
    const ended = await sessions.get(stage.user, session.id);
    assert.equal(ended.state, 'failed');
    assert.equal(ended.reason?.code, 'controller_restarted');
    assert.equal((await runs.get(stage.user, running.id)).state, 'failed');
    const owned = (await other.services.sandboxes.list(stage.user)).filter(({ owner }) => owner !== null);
    assert.deepEqual(owned, []);
  },
);

test('one controller cancels and extends what another works on', testTimeout, async (t) => {
  const stage = await openStage(t, { signIn: { idleMs: limits.signInHardMs } });
  await stage.connect();
  const other = await stage.openOther();
  const { session, agent } = await stage.signIn();
  agent.emitDesktop('terminal', true);
  await stage.untilSession(session.id, (event) => event.type === 'state' && event.state === 'ready');

  const never = new AbortController().signal;
  assert.equal((await other.services.sessions.display(session.id, never)).port, agent.endpoint.port);
  const { expiresAtMs } = await other.services.sessions.extend(stage.user, session.id);
  stage.clock.jump(limits.signInDefaultMs + 1_000);
  await new Promise(setImmediate);
  assert.equal((await stage.services.sessions.get(stage.user, session.id)).state, 'ready');
  assert.ok(expiresAtMs > session.expiresAtMs);
  await other.services.sessions.cancel(stage.user, session.id);
  assert.equal((await stage.sessionEvents(session.id)).at(-1)?.type, 'destroyed');

  stage.script.run = hangs;
  const running = await stage.services.runs.start(stage.user, ask);
  await stage.untilRun(running.id, (event) => event.type === 'event');
  const [sandbox] = await stage.services.sandboxes.list(stage.user);
  assert.ok(sandbox);
  await other.services.runs.cancel(stage.user, running.id);
  for await (const { event } of await stage.services.sandboxes.events(stage.user, sandbox.id, 0, never))
    if (event.state === 'gone') break;
  assert.equal((await stage.services.runs.get(stage.user, running.id)).state, 'cancelled');
  await stage.assertClean();
  await assert.rejects(other.services.sessions.display(newId('session'), never), { code: 'session_over' });
});
