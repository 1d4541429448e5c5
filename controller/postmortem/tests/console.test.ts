import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { limits, PolydevError, type SessionEvent, type SessionState } from '@polydev/protocol';
import { shownConsole } from '../../sandboxes/console-text.ts';
import { sandboxLogs } from '../../store/schema.ts';
import { claudeBundle, openStage, type Stage, testTimeout } from '../../testing/stage.ts';
import { toolSays } from '../../testing/tool.ts';

const is = (state: SessionState) => (event: SessionEvent) => event.type === 'state' && event.state === state;

/** From now on every machine has written this. */
function consoleSays(stage: Stage, text: string): void {
  const { console: real } = stage.driver;
  // One that is gone still has none.
  stage.driver.console = async (id) => (await real(id)) && text;
}

test('the console of a sign-in is read live, by its owner alone', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { sessions } = stage.services;
  const { session } = await stage.signIn();
  await sessions.display(session.id, new AbortController().signal);
  assert.equal(await sessions.console(stage.user, session.id), 'fake agent started\n');
  const member = await stage.addUser('member');
  await assert.rejects(sessions.console(member, session.id), { code: 'not_found' });
  await sessions.cancel(stage.user, session.id);
  assert.equal(await sessions.console(stage.user, session.id), '', 'who gives up leaves none');
});

test(
  'a sign-in that fails keeps the console of its machine, and has it when it is heard of',
  testTimeout,
  async (t) => {
    const stage = await openStage(t);
    const { session } = await stage.signIn();
    consoleSays(stage, 'the X server\x1b[31m broke\x1b[0m\n');
    const [sandbox] = await stage.driver.list();
    assert.ok(sandbox);
    const failed = stage.untilSession(session.id, is('failed'));
    await stage.driver.kill(sandbox.id);
    await failed;
    const { sessions } = stage.services;
    assert.equal(await sessions.console(stage.user, session.id), 'the X server broke\n');
    await stage.sessionEvents(session.id);
    await stage.assertClean();
    assert.equal(await sessions.console(stage.user, session.id), 'the X server broke\n');
  },
);

test('a sign-in that runs out of time keeps it, one that succeeds does not', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { sessions } = stage.services;
  const late = await stage.signIn();
  stage.clock.jump(limits.signInDefaultMs);
  await stage.sessionEvents(late.session.id);
  assert.equal(await sessions.console(stage.user, late.session.id), 'fake agent started\n');

  const good = await stage.signIn();
  good.agent.emitCredential(claudeBundle('first-refresh-token'));
  await stage.sessionEvents(good.session.id);
  assert.equal((await sessions.get(stage.user, good.session.id)).state, 'connected');
  assert.equal(await sessions.console(stage.user, good.session.id), '');
});

test(
  'a machine that never came up leaves its console, and nothing that the host says of it',
  testTimeout,
  async (t) => {
    const stage = await openStage(t);
    stage.script.boot = () => {
      throw new Error('no kernel');
    };
    const session = await stage.services.sessions.start(stage.user, { provider: 'claude_code' });
    await stage.sessionEvents(session.id);
    assert.equal(await stage.services.sessions.console(stage.user, session.id), 'fake agent started');
  },
);

test('no secret is read from a console, live or kept', testTimeout, async (t) => {
  const stage = await openStage(t);
  const { sessions } = stage.services;
  stage.script.run = async (_, process) => {
    await new Promise((resolve) => process.signal.addEventListener('abort', resolve, { once: true }));
    return 1;
  };
  const { session, agent } = await stage.signIn();
  const secrets = ['a-refresh-token-of-no-known-shape', 'sk-ant-oat01-0123456789abcdef', agent.spec.token];
  consoleSays(stage, `saw ${secrets.join(' and ')}\n`);
  agent.emitCredential(claudeBundle(secrets[0] ?? ''));
  await stage.untilSession(session.id, is('verifying'));
  const expected = 'saw [secret] and [secret] and [secret]\n';
  assert.equal(await sessions.console(stage.user, session.id), expected);
  stage.clock.jump(limits.signInHardMs);
  await stage.sessionEvents(session.id);
  assert.equal(await sessions.console(stage.user, session.id), expected);
  const rows = JSON.stringify(await stage.db.select().from(sandboxLogs)) + stage.logged();
  for (const secret of secrets) assert.ok(!rows.includes(secret), secret);
});

test('a console that cannot be read holds up no end', testTimeout, async (t) => {
  const stage = await openStage(t);
  stage.script.run = toolSays('pong');
  const { session } = await stage.signIn();
  stage.driver.console = async () => {
    throw new PolydevError('unavailable', 'The host service does not answer.');
  };
  const [sandbox] = await stage.driver.list();
  assert.ok(sandbox);
  await stage.driver.kill(sandbox.id);
  await stage.sessionEvents(session.id);
  assert.equal((await stage.services.sessions.get(stage.user, session.id)).reason?.code, 'sandbox_failed');
  assert.equal(await stage.services.sessions.console(stage.user, session.id), '');
});

test('a tail that begins within a line begins with the next, and only text is shown', () => {
  const cut = `cret-of-yours\n${'x'.repeat(limits.consoleTailBytes)}`.slice(0, limits.consoleTailBytes);
  assert.ok(!shownConsole(cut).includes('cret-of-yours'));
  assert.equal(shownConsole('whole\r\n\tlines\0\b\x9b\n'), 'whole\n\tlines\n');
  assert.equal(
    shownConsole('\x1b]0;a title\x07one \x1b]2;b\x1b\\two\x1b[1m \x1b]8;;http://c\x9cthree\x1b]no end'),
    'one two threeno end',
  );
});

test('a console of commands without an end costs one walk through it, not one for each', () => {
  const text = '\x1b]'.repeat(limits.consoleTailBytes / 2 - 1);
  const msOf = (work: () => void) => {
    const startMs = performance.now();
    work();
    return performance.now() - startMs;
  };
  assert.equal(shownConsole(text), '');
  const [ours, nodes] = [
    msOf(() => shownConsole(text)),
    msOf(() => stripVTControlCharacters(text.slice(0, text.length / 2))),
  ];
  assert.ok(ours < nodes, `${ours} ms, where Node's own takes ${nodes} ms for half of it`);
});
