import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SessionEvent, SessionId } from '@polydev/protocol';
import { claudeBundle, openStage, type Stage, type StageOptions, testTimeout } from '../../testing/stage.ts';
import type { Desktop } from '../../testing/tool.ts';

const minute = 60_000;
const signIn = { idleMs: 4 * minute, defaultMs: 20 * minute, extendMs: minute, hardMs: 30 * minute };
const open = (t: Parameters<typeof openStage>[0], options: StageOptions = {}) => openStage(t, { signIn, ...options });
const said =
  (type: SessionEvent['type'], times = 1) =>
  (event: SessionEvent, seen: number) =>
    event.type === type && seen === times;

/** Moves on while nothing happens, until the person is warned for the so-manyth time. */
async function untilWarned(stage: Stage, id: SessionId, times = 1): Promise<void> {
  stage.clock.jump(3 * minute + 1);
  await stage.untilSession(id, said('idle', times));
}

async function assertIdleEnd(stage: Stage, id: SessionId): Promise<void> {
  await stage.sessionEvents(id);
  const { state, reason } = await stage.services.sessions.get(stage.user, id);
  assert.equal(state, 'expired');
  assert.deepEqual([reason?.code, reason?.message], ['sign_in_timeout', 'Nothing happened for 4 minutes.']);
  await stage.assertClean();
}

test('a sign-in in which nothing happens is warned and then over, long before its time', testTimeout, async (t) => {
  const stage = await open(t);
  const { session } = await stage.openDesktop();
  await untilWarned(stage, session.id);
  const warning = (await stage.events.read(session.id, 0)).find(({ event }) => event.type === 'idle');
  assert.ok(warning?.event.type === 'idle');
  const leftMs = warning.event.expiresAtMs - stage.clock.now();
  assert.ok(leftMs > 0 && leftMs <= minute);
  stage.clock.jump(minute);
  await assertIdleEnd(stage, session.id);
});

const signs: Record<string, (stage: Stage, desktop: Desktop) => unknown> = {
  'input of a viewer': (stage, { session }) => stage.services.sessions.active(session.id),
  'a page that opens': (_, { agent }) => agent.emitOpened('https://claude.com/cai/oauth/authorize'),
  'a window that opens': (_, { agent }) => agent.emitDesktop('browser', true),
  'traffic of the desktop': (stage) => [...stage.granted.values()][0]?.onFlow?.(),
  'what a tool prints': ({ clock }, { agent }) => {
    const atMs = clock.now();
    agent.setPrinted(() => clock.now() - atMs);
    clock.jump(10_000);
  },
  'a person who wants more time': (stage, { session }) => stage.services.sessions.extend(stage.user, session.id),
};

for (const [sign, happen] of Object.entries(signs)) {
  test(`${sign} takes the warning back, and the time begins anew`, testTimeout, async (t) => {
    const stage = await open(t);
    const desktop = await stage.openDesktop();
    const { id } = desktop.session;
    await stage.services.sessions.display(id, new AbortController().signal);
    await untilWarned(stage, id);
    await happen(stage, desktop);
    await stage.untilSession(id, said('active'));
    await untilWarned(stage, id, 2);
    stage.clock.jump(minute);
    await assertIdleEnd(stage, id);
  });
}

test('what happens before a warning is worth none', testTimeout, async (t) => {
  const stage = await open(t);
  const { session } = await stage.openDesktop();
  stage.clock.jump(2 * minute);
  stage.services.sessions.active(session.id);
  stage.clock.jump(2 * minute);
  await stage.services.sessions.cancel(stage.user, session.id);
  const types = (await stage.sessionEvents(session.id)).map(({ type }) => type);
  assert.ok(!types.includes('idle') && !types.includes('active'));
});

test('the proof is left its time, however short the patience is', testTimeout, async (t) => {
  const stage = await open(t, { signIn: { ...signIn, idleMs: 30_000 } });
  stage.script.run = (_, process) =>
    new Promise((resolve) => process.signal.addEventListener('abort', () => resolve(1), { once: true }));
  const { session, agent } = await stage.openDesktop();
  agent.emitCredential(claudeBundle('first-refresh-token'));
  await stage.untilSession(session.id, (event) => event.type === 'state' && event.state === 'verifying');
  stage.clock.jump(2 * minute);
  await new Promise(setImmediate);
  assert.equal((await stage.services.sessions.get(stage.user, session.id)).state, 'verifying');
  await stage.services.sessions.cancel(stage.user, session.id);
});

test('a viewer at another controller counts too', testTimeout, async (t) => {
  const stage = await open(t);
  const other = await stage.openOther();
  const { session } = await stage.openDesktop();
  await untilWarned(stage, session.id);
  other.services.sessions.active(session.id);
  await stage.untilSession(session.id, said('active'));
  await stage.services.sessions.cancel(stage.user, session.id);
});

test('a warning is taken back when the controller starts again, and traffic still counts', testTimeout, async (t) => {
  const stage = await open(t);
  const { session } = await stage.openDesktop();
  await stage.services.sessions.display(session.id, new AbortController().signal);
  await untilWarned(stage, session.id);
  await stage.restart();
  await stage.untilSession(session.id, said('active'));
  await untilWarned(stage, session.id, 2);
  for (const { onFlow } of stage.granted.values()) onFlow?.();
  await stage.untilSession(session.id, said('active', 2));
  await stage.services.sessions.cancel(stage.user, session.id);
});
