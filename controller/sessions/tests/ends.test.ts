import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AuthSession,
  isFinal,
  limits,
  newId,
  PolydevError,
  type SessionEvent,
  type SessionState,
  sessionMoves,
} from '@polydev/protocol';
import { authSessions } from '../../store/schema.ts';
import { claudeBundle, openStage, type Stage, testTimeout } from '../../testing/stage.ts';
import { type Desktop, gate, toolSays } from '../../testing/tool.ts';
import { createSessionMachine } from '../machine.ts';

const is = (state: SessionState) => (event: SessionEvent) => event.type === 'state' && event.state === state;

/** Brings a sign-in to a state and keeps it there. */
const reach: Record<string, (stage: Stage) => Promise<Pick<Desktop, 'session'>>> = {
  async starting(stage) {
    const boot = gate();
    stage.script.boot = () => boot.wait;
    const session = await stage.services.sessions.start(stage.user, { provider: 'claude_code' });
    await stage.untilSession(session.id, is('starting'));
    // A boot takes a moment to be broken off.
    void stage
      .untilSession(session.id, (event) => event.type === 'state' && isFinal(sessionMoves, event.state))
      .then(boot.open);
    return { session };
  },
  async ready(stage) {
    const desktop = await stage.signIn();
    desktop.agent.emitDesktop('terminal', true);
    await stage.untilSession(desktop.session.id, is('ready'));
    return desktop;
  },
  async signing_in(stage) {
    const desktop = await stage.signIn();
    desktop.agent.emitOpened('https://claude.com/cai/oauth/authorize');
    await stage.untilSession(desktop.session.id, is('signing_in'));
    return desktop;
  },
  async verifying(stage) {
    stage.script.run = (_, process) =>
      new Promise((resolve) => process.signal.addEventListener('abort', () => resolve(1), { once: true }));
    const desktop = await stage.signIn();
    desktop.agent.emitCredential(claudeBundle('first-refresh-token'));
    await stage.untilSession(desktop.session.id, is('verifying'));
    return desktop;
  },
};

async function endOf(stage: Stage, { session }: Pick<Desktop, 'session'>) {
  const events = await stage.sessionEvents(session.id);
  assert.equal(events.at(-1)?.type, 'destroyed');
  const { state, reason, endedAtMs } = await stage.services.sessions.get(stage.user, session.id);
  assert.ok(endedAtMs);
  return { state, code: reason?.code };
}

for (const [state, arrive] of Object.entries(reach)) {
  test(`cancelled while ${state}: nothing is left`, testTimeout, async (t) => {
    const stage = await openStage(t);
    const desktop = await arrive(stage);
    const cancelled = await stage.services.sessions.cancel(stage.user, desktop.session.id);
    assert.equal(cancelled.state, 'cancelled');
    assert.deepEqual(await endOf(stage, desktop), { state: 'cancelled', code: 'sign_in_cancelled' });
    await stage.assertClean();
    const again = await stage.services.sessions.cancel(stage.user, desktop.session.id);
    assert.equal(again.state, 'cancelled');
  });

  test(`time is up while ${state}: nothing is left`, testTimeout, async (t) => {
    const stage = await openStage(t);
    const desktop = await arrive(stage);
    stage.clock.jump(limits.signInDefaultMs);
    assert.deepEqual(await endOf(stage, desktop), { state: 'expired', code: 'sign_in_timeout' });
    await stage.assertClean();
  });
}

for (const state of ['ready', 'signing_in', 'verifying']) {
  test(`the sandbox dies while ${state}: the sign-in fails and nothing is left`, testTimeout, async (t) => {
    const stage = await openStage(t);
    const desktop = await reach[state]?.(stage);
    const [sandbox] = await stage.driver.list();
    assert.ok(desktop && sandbox);
    await stage.driver.kill(sandbox.id);
    assert.deepEqual(await endOf(stage, desktop), { state: 'failed', code: 'sandbox_failed' });
    await stage.assertClean();
  });
}

test('a sign-in is over as soon as its sandbox is, and only then the dead one is looked at', testTimeout, async (t) => {
  const stage = await openStage(t);
  const desktop = await reach.ready?.(stage);
  assert.ok(desktop);
  const { session } = desktop;
  const states: SessionState[] = [];
  const readConsole = stage.driver.console;
  stage.driver.console = async (id) => {
    states.push((await stage.services.sessions.get(stage.user, session.id)).state);
    return await readConsole(id);
  };
  const [sandbox] = await stage.driver.list();
  assert.ok(sandbox);
  await stage.driver.kill(sandbox.id);
  await endOf(stage, desktop);
  assert.equal(states.at(-1), 'failed');
});

test(
  'a desktop that never shows its terminal fails, long before the time to sign in has passed',
  testTimeout,
  async (t) => {
    const stage = await openStage(t);
    const { session, agent } = await stage.signIn();
    agent.emitDesktop('display', true);
    await stage.untilSession(session.id, (event) => event.type === 'desktop');
    stage.clock.jump(limits.sandboxBootMs);
    await stage.sessionEvents(session.id);
    const { state, reason } = await stage.services.sessions.get(stage.user, session.id);
    assert.deepEqual([state, reason?.code], ['failed', 'sandbox_failed']);
    assert.match(reason?.message ?? '', /did not show its terminal/);
    await stage.assertClean();
  },
);

test('more time can be had, up to the hard limit, and no more once it is over', testTimeout, async (t) => {
  const stage = await openStage(t, { signIn: { defaultMs: 100_000, extendMs: 100_000, hardMs: 250_000 } });
  const { sessions } = stage.services;
  const { session } = await stage.openDesktop();
  const { createdAtMs } = session;
  assert.equal(session.expiresAtMs, createdAtMs + 100_000);
  assert.equal((await sessions.extend(stage.user, session.id)).expiresAtMs, createdAtMs + 200_000);
  assert.equal((await sessions.extend(stage.user, session.id)).expiresAtMs, createdAtMs + 250_000);
  assert.equal((await sessions.extend(stage.user, session.id)).expiresAtMs, createdAtMs + 250_000);
  stage.clock.jump(200_000);
  assert.equal((await sessions.get(stage.user, session.id)).endedAtMs, null);
  stage.clock.jump(50_000);
  const events = await stage.sessionEvents(session.id);
  assert.equal(events.filter(({ type }) => type === 'extended').length, 2);
  await assert.rejects(sessions.extend(stage.user, session.id), { code: 'session_over' });
  assert.equal((await sessions.get(stage.user, session.id)).state, 'expired');
  await stage.assertClean();
});

test('who signs in at the last moment still has the time for the proof', testTimeout, async (t) => {
  const stage = await openStage(t, { signIn: { idleMs: limits.signInHardMs } });
  const proof = gate();
  stage.script.run = async (...all) => {
    await proof.wait;
    return await toolSays('pong')(...all);
  };
  const { session, agent } = await stage.signIn();
  stage.clock.jump(limits.signInDefaultMs - 60_000);
  agent.emitCredential(claudeBundle('first-refresh-token'));
  await stage.untilSession(session.id, is('verifying'));
  stage.clock.jump(limits.proofMs);
  proof.open();
  assert.deepEqual(await endOf(stage, { session }), { state: 'connected', code: undefined });
});

test('a desktop that cannot be made fails the sign-in with the reason', testTimeout, async (t) => {
  const stage = await openStage(t);
  stage.script.boot = () => {
    throw new Error('no kernel');
  };
  const session = await stage.services.sessions.start(stage.user, { provider: 'claude_code' });
  assert.deepEqual(await endOf(stage, { session }), { state: 'failed', code: 'sandbox_failed' });
  await stage.assertClean();
});

test(
  'with all sandboxes in use who asks for a sign-in is told to come back, and the next one after an end is not',
  testTimeout,
  async (t) => {
    const stage = await openStage(t, { atMost: 1 });
    const { session } = await stage.signIn();
    const refused = assert.rejects(stage.services.sessions.start(stage.user, { provider: 'claude_code' }), (error) => {
      assert.ok(error instanceof PolydevError);
      assert.equal(error.code, 'capacity');
      assert.ok(Number(error.details.retryAfterSeconds) > 0);
      return true;
    });
    const second = await waitingIn(stage);
    let isOver = false;
    void refused.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await new Promise(setImmediate);
      stage.clock.jump(limits.lineMs / 10);
    }
    await refused;
    assert.deepEqual(await endOf(stage, { session: second }), { state: 'failed', code: 'capacity' });
    await stage.services.sessions.cancel(stage.user, session.id);
    const third = await stage.signIn();
    await stage.services.sessions.cancel(stage.user, third.session.id);
    await stage.assertClean();
  },
);

test('who waits for a desktop can give up, and what waits outlives a restart', testTimeout, async (t) => {
  const stage = await openStage(t, { atMost: 1 });
  const { session } = await stage.signIn();
  const start = (signal?: AbortSignal) =>
    stage.services.sessions.start(stage.user, { provider: 'claude_code' }, signal);
  const starting = start();
  const second = await waitingIn(stage);
  await stage.services.sessions.cancel(stage.user, second.id);
  assert.equal((await starting).id, second.id);
  assert.deepEqual(await endOf(stage, { session: second }), { state: 'cancelled', code: 'sign_in_cancelled' });

  const leave = new AbortController();
  const left = assert.rejects(start(leave.signal), { code: 'sign_in_cancelled' });
  const abandoned = await waitingIn(stage);
  leave.abort();
  await left;
  assert.deepEqual(await endOf(stage, { session: abandoned }), { state: 'cancelled', code: 'sign_in_cancelled' });

  const handedOver = start();
  const third = await waitingIn(stage);
  await stage.restart();
  assert.equal((await handedOver).id, third.id);
  assert.equal((await stage.services.sessions.get(stage.user, third.id)).state, 'pending');
  await stage.services.sessions.cancel(stage.user, session.id);
  await stage.untilSession(third.id, is('starting'));
  await stage.services.sessions.cancel(stage.user, third.id);
  await stage.assertClean();
});

test('an agent that goes silent fails the sign-in', testTimeout, async (t) => {
  const stage = await openStage(t);
  const desktop = await stage.signIn();
  await desktop.agent.close();
  assert.deepEqual(await endOf(stage, desktop), { state: 'failed', code: 'agent_unreachable' });
  await stage.assertClean();
});

test('the display can be had from the claim to the end, and not before or after', testTimeout, async (t) => {
  const stage = await openStage(t);
  const never = new AbortController().signal;
  const { session, agent } = await stage.signIn();
  const access = await stage.services.sessions.display(session.id, never);
  assert.deepEqual(access, { ...agent.endpoint, token: agent.spec.token });
  await stage.services.sessions.cancel(stage.user, session.id);
  await assert.rejects(stage.services.sessions.display(session.id, never), { code: 'session_over' });

  const boot = gate();
  stage.script.boot = () => boot.wait;
  const booting = await stage.services.sessions.start(stage.user, { provider: 'claude_code' });
  const display = stage.services.sessions.display(booting.id, never);
  const refused = assert.rejects(display, { code: 'sign_in_cancelled' });
  await stage.untilSession(booting.id, is('starting'));
  const cancelling = stage.services.sessions.cancel(stage.user, booting.id);
  await stage.untilSession(booting.id, is('cancelled'));
  boot.open();
  await Promise.all([cancelling, refused]);
  await stage.assertClean();
});

test('someone else sees no sign-in of mine, and signs in for himself only', testTimeout, async (t) => {
  const stage = await openStage(t);
  const [member, other] = [await stage.addUser('member'), await stage.addUser('member')];
  const { sessions } = stage.services;
  const never = new AbortController().signal;
  await assert.rejects(sessions.start(member, { provider: 'claude_code', userId: other.id }), { code: 'forbidden' });
  const mine = await sessions.start(member, { provider: 'claude_code' });
  const missing = { code: 'not_found' };
  await assert.rejects(sessions.get(other, mine.id), missing);
  await assert.rejects(sessions.cancel(other, mine.id), missing);
  await assert.rejects(sessions.extend(other, mine.id), missing);
  await assert.rejects(sessions.events(other, mine.id, 0, never), missing);
  assert.deepEqual(await sessions.list(other), []);
  assert.equal((await sessions.get(stage.user, mine.id)).userId, member.id);
  const forOther = await sessions.start(stage.user, { provider: 'claude_code', userId: other.id });
  assert.equal(forOther.userId, other.id);
  for (const { id } of [mine, forOther]) await sessions.cancel(stage.user, id);
});

test('time that was given is not taken back by who extends it in the same moment', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { session } = await stage.signIn();
  const machine = createSessionMachine(stage, stage.events, newId('controller'));
  const longer = await machine.extend(session.id, session.expiresAtMs + 60_000);
  assert.equal(longer?.expiresAtMs, session.expiresAtMs + 60_000);
  assert.deepEqual(await machine.extend(session.id, session.expiresAtMs + 30_000), longer);
  const hard = await machine.extend(session.id, Number.MAX_SAFE_INTEGER);
  assert.equal(hard?.expiresAtMs, session.createdAtMs + limits.signInHardMs);
  await stage.services.sessions.cancel(stage.user, session.id);
  assert.equal(await machine.extend(session.id, Number.MAX_SAFE_INTEGER), null);
});

for (const [what, notice] of Object.entries({
  'its time is up': (stage: Stage, _: Desktop) => stage.clock.jump(limits.signInDefaultMs + 1_000),
  'its desktop says something': (_: Stage, { agent }: Desktop) => agent.emitOpened('https://claude.com/'),
})) {
  test(`one that another controller ended without being heard goes when ${what}`, testTimeout, async (t) => {
    const stage = await openStage(t, { signIn: { idleMs: limits.signInHardMs } });
    const desktop = await stage.signIn();
    desktop.agent.emitDesktop('terminal', true);
    await stage.untilSession(desktop.session.id, is('ready'));
    await stage.db.update(authSessions).set({ state: 'cancelled', endedAtMs: stage.clock.now() });
    notice(stage, desktop);
    assert.deepEqual(await endOf(stage, desktop), { state: 'cancelled', code: undefined });
    await stage.assertClean();
  });
}

/** A sign-in that waits for its desktop. */
async function waitingIn(stage: Stage): Promise<AuthSession> {
  for (;;) {
    const found = (await stage.services.sessions.list(stage.user)).find(({ state }) => state === 'pending');
    if (found) return found;
  }
}
