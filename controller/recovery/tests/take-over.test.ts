import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFinal, limits, newId, runMoves } from '@polydev/protocol';
import { eq } from 'drizzle-orm';
import { runs as runsTable } from '../../store/schema.ts';
import { openTestStore } from '../../store/testing.ts';
import { openStage, testTimeout } from '../../testing/stage.ts';
import { gate, hangs, sayDone, sayText } from '../../testing/tool.ts';

const never = new AbortController().signal;
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
    const present = await stage.services.sandboxes.list(stage.user);
    await stage.handOver();

    const other = await stage.openOther();
    await other.start();
    const { sessions, runs, sandboxes } = other.services;
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
    // By legal moves, which whoever looks on hears of.
    assert.deepEqual(present.map(({ owner }) => owner).toSorted(), [running.id, session.id].toSorted());
    for (const { id } of present) {
      const moves: string[] = [];
      for await (const { event } of await sandboxes.events(stage.user, id, 0, never)) moves.push(event.state);
      assert.deepEqual(moves.slice(-3), ['claimed', 'stopping', 'gone']);
    }
    const owned = (await sandboxes.list(stage.user)).filter(({ owner }) => owner !== null);
    assert.deepEqual(owned, []);
  },
);

test('what was taken from a controller that only seemed to be away is not done again there', testTimeout, async (t) => {
  const store = await openTestStore(t);
  const { ephemeral } = store;
  // Nobody hears what another did to a row.
  const deaf: typeof ephemeral = {
    ...ephemeral,
    subscribe: async (channel, listener) =>
      channel.startsWith('changed:') ? () => {} : await ephemeral.subscribe(channel, listener),
  };
  const stage = await openStage(t, { store: { ...store, ephemeral: deaf } });
  const { id: credentialId } = await stage.connect();
  const held = gate();
  const done: string[] = [];
  stage.script.run = async ({ stdin }, process) => {
    done.push(stdin);
    if (done.length === 1) await held.wait;
    sayText(process, 'done');
    sayDone(process);
    return 0;
  };
  const { runs } = stage.services;
  const first = await runs.start(stage.user, { ...ask, prompt: 'first' });
  const second = await runs.start(stage.user, { ...ask, prompt: 'second' });
  await stage.untilRun(first.id, (event) => event.type === 'state' && event.state === 'running');

  const other = await stage.openOther();
  await other.start();
  while ((await runs.get(stage.user, first.id)).state === 'running') {
    stage.clock.jump(limits.controllerTtlMs + 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  // The hold on the credential ran out while it was away.
  const [row] = await stage.db.select().from(runsTable).where(eq(runsTable.id, first.id));
  const hold = await ephemeral.lease(`credential:${credentialId}`, limits.leaseMs, row?.controller ?? '');
  await hold?.release();
  while (!isFinal(runMoves, (await runs.get(stage.user, second.id)).state)) {
    await ephemeral.publish(`credential-free:${credentialId}`, 'free');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  held.open();
  // In one controller each waits for those before.
  const third = await runs.start(stage.user, { ...ask, prompt: 'third' });
  await stage.runEvents(third.id);
  assert.deepEqual(done, ['first', 'second', 'third']);
  const [one, two] = [await runs.get(stage.user, first.id), await runs.get(stage.user, second.id)];
  assert.deepEqual([one.state, one.reason?.code, two.state], ['failed', 'controller_restarted', 'succeeded']);
});

test(
  'an account that one controller tests is not lent by another, also when the lease is lost',
  testTimeout,
  async (t) => {
    const stage = await openStage(t);
    const { id } = await stage.connect();
    const working = gate();
    stage.script.run = (request, process, agent) => {
      working.open();
      return hangs(request, process, agent);
    };
    const testing = stage.services.credentials.test(stage.user, id);
    await working.wait;
    const other = await stage.openOther();
    await stage.ephemeral.delete(`lease:credential:${id}`);
    await assert.rejects(other.services.credentials.test(stage.user, id), { code: 'credential_busy' });
    assert.deepEqual(await other.driver.list(), []);
    await stage.stop();
    await assert.rejects(testing);
  },
);

test('a viewer at another controller waits for a desktop that is starting', testTimeout, async (t) => {
  const stage = await openStage(t);
  const other = await stage.openOther();
  const boot = gate();
  stage.script.boot = () => boot.wait;
  const { id } = await stage.services.sessions.start(stage.user, { provider: 'claude_code' });
  const waiting = other.services.sessions.display(id, never);
  await stage.untilSession(id, (event) => event.type === 'state' && event.state === 'starting');
  boot.open();
  const { port } = await stage.services.sessions.display(id, never);
  stage.driver.agents()[0]?.emitDesktop('display', true);
  assert.equal((await waiting).port, port);

  const closed = other.services.sessions.display(
    (await stage.services.sessions.start(stage.user, { provider: 'claude_code' })).id,
    AbortSignal.timeout(10_000),
  );
  const refused = assert.rejects(closed, { code: 'session_over' });
  await stage.stop();
  await refused;
});

test('a controller on another host connects to no desktop of this one', testTimeout, async (t) => {
  const stage = await openStage(t);
  const other = await stage.openOther({ host: 'elsewhere' });
  const { session } = await stage.signIn();
  await stage.services.sessions.display(session.id, never);
  await assert.rejects(other.services.sessions.display(session.id, never), {
    code: 'other_host',
  });
});

test('one controller cancels and extends what another works on', testTimeout, async (t) => {
  const stage = await openStage(t, { signIn: { idleMs: limits.signInHardMs } });
  await stage.connect();
  const other = await stage.openOther();
  const { session, agent } = await stage.signIn();
  agent.emitDesktop('terminal', true);
  await stage.untilSession(session.id, (event) => event.type === 'state' && event.state === 'ready');

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

test(
  'of a run that another controller deletes nothing is left, whatever its tool still says',
  testTimeout,
  async (t) => {
    const stage = await openStage(t);
    await stage.connect();
    const other = await stage.openOther();
    stage.script.run = async (request, process, agent) => {
      const code = await hangs(request, process, agent);
      sayText(process, 'one more word');
      return code;
    };
    const { id } = await stage.services.runs.start(stage.user, ask);
    await stage.untilRun(id, (event) => event.type === 'event');
    await other.services.runs.remove(stage.user, id);
    await stage.stop();
    assert.deepEqual(await stage.events.read(id, 0), []);
  },
);

test('while the ephemeral store is away that is said once, and not at each look', testTimeout, async (t) => {
  const store = await openTestStore(t);
  let looks = 0;
  const get = async () => {
    looks += 1;
    throw new Error('Redis is away.');
  };
  const stage = await openStage(t, { store: { ...store, ephemeral: { ...store.ephemeral, get } } });
  await stage.connect();
  const { session } = await stage.signIn();
  assert.ok(session.id);
  const other = await stage.openOther();
  await other.start();
  while (looks < 3) {
    stage.clock.jump(limits.controllerTtlMs + 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.equal(stage.logged().split('Other controllers could not be looked after.').length, 2);
});
