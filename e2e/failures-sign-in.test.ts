/** Every way a sign-in fails, and every part of its desktop that can die: the right end, a reason, a way on. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, suite, test } from 'node:test';
import { type DesktopPart, providerIds, type SessionId } from '@polydev/protocol';
import { consentPages, decide, enter, enterAgain, isTerminal, openDesktop, signIn } from './desktop-sign-in.ts';
import { init, killIn } from './processes.ts';
import { until } from './recovery-parts.ts';
import { assertReason, assertRefused, openStage, type Stage } from './stage.ts';

const isRoot = process.getuid?.() === 0;
const signInMs = 10_000;
const tokenMs = 120_000;
/** A person who looks at the page hears of it without a wait, also on a busy machine. */
const soonMs = 90_000;
/** What was logged is in the file. */
const logMs = 60_000;

type Ended = Parameters<typeof assertReason>[0];

/** Its unit starts it again: it says so if that is soon, else it is not there any more. */
function assertAgentLost(ended: Ended): void {
  if (ended.reason?.code === 'agent_unreachable') assertReason(ended, 'agent_unreachable', /connection/);
  else assertReason(ended, 'sandbox_failed', /agent/);
}

function assertMachineDied(ended: Ended): void {
  assertReason(ended, 'sandbox_failed', /died/);
}

suite('a sign-in fails', { skip: !isRoot && 'needs root', timeout: 30 * 60_000 }, () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage({ config: { signIn: { defaultMs: signInMs, extendMs: 600_000 } } });
  });
  after(() => stage.strike());
  beforeEach(() => stage.reset());

  /** Opens a page from the terminal and waits until the session says so: keyboard, terminal, opener and agent work. */
  async function isUsable({ sessionId }: { sessionId: SessionId }, word: string): Promise<void> {
    const keyboard = await stage.keyboard(sessionId);
    keyboard.click();
    enter(keyboard, `xdg-open https://claude.com/${word}`);
    await stage.sessionEvent(sessionId, (event) => event.type === 'opened' && event.page.endsWith(`/${word}`));
    keyboard.close();
  }

  test('abandoned: it expires in time, says so, and its desktop is gone', async () => {
    const startedMs = performance.now();
    const { sessionId } = await stage.polydev.sessions.start({ provider: 'claude_code', label: 'abandoned' });
    const session = await stage.ended(sessionId);
    assert.equal(session.state, 'expired');
    assertReason(session, 'sign_in_timeout');
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs >= signInMs - 100 && tookMs < signInMs + soonMs, `${tookMs}`);
    assert.ok((await stage.polydev.sandboxes.list()).every(({ owner }) => owner !== sessionId));
    await assertRefused(stage.polydev.sessions.extend(sessionId), 'session_over');
    await assertRefused(stage.polydev.sessions.display(sessionId), 'session_over');
  });

  test('consent denied, then a code refused, then approved: the same desktop stays usable to the end', async () => {
    const desktop = await openDesktop(stage, 'claude_code', 'denied');
    const { sessionId, keyboard } = desktop;
    enter(keyboard, 'claude auth login');
    await decide(stage, keyboard, consentPages.claudePlan, 'deny');

    stage.doubles.state.behaviour.claude_code.token = 'denied';
    await enterAgain(stage, desktop, 'claude auth login');
    assert.equal((await stage.polydev.sessions.get(sessionId)).state, 'signing_in');
    await decide(stage, keyboard, consentPages.claudePlan, 'approve');
    await stage.seen(({ path, status }) => path === '/v1/oauth/token' && status >= 400, tokenMs);

    stage.doubles.state.behaviour.claude_code.token = 'ok';
    await enterAgain(stage, desktop, 'claude auth login');
    assert.equal((await stage.polydev.sessions.get(sessionId)).state, 'signing_in');
    await decide(stage, keyboard, consentPages.claudePlan, 'approve');
    assert.equal((await stage.ended(sessionId)).state, 'connected');
  });

  test('signed in, but the model refuses the account: nothing is kept, and the words of the tool are the reason', async () => {
    stage.doubles.state.behaviour.claude_code.model = '401';
    const { sessionId, keyboard } = await openDesktop(stage, 'claude_code', 'refused');
    enter(keyboard, 'claude auth login');
    await decide(stage, keyboard, consentPages.claudePlan, 'approve');
    const session = await stage.ended(sessionId);
    stage.doubles.state.behaviour.claude_code.model = 'ok';
    assert.equal(session.state, 'failed');
    assertReason(session, 'proof_failed', /^The tool could not use the sign-in: ./);
    assert.ok((await stage.polydev.credentials.list()).every(({ label }) => label !== 'refused'));
  });

  test('the provider is in trouble while a key is proved: at a limit it counts, else nothing is kept, and the reason says why', async () => {
    const { doubles, polydev } = stage;
    const labels = async () => (await polydev.credentials.list()).map(({ label }) => label);
    const troubles = { claude_code: 'garbage', openai_codex: '500', google_gemini: 'garbage' } as const;
    await Promise.all(
      providerIds.map(async (provider) => {
        const behaviour = doubles.state.behaviour[provider];
        behaviour.model = troubles[provider];
        await assertRefused(stage.addKey(provider, `${provider} in trouble`), 'provider_failed');
        behaviour.model = '429';
        assert.equal((await stage.addKey(provider, `${provider} at a limit`)).status, 'active');
      }),
    );
    const added = (await labels()).filter((label) => /at a limit|in trouble/.test(label));
    assert.deepEqual(added.toSorted(), providerIds.map((provider) => `${provider} at a limit`).toSorted());
  });

  test('browser, terminal, session and X server killed: each comes back, and the sign-in can be done', async () => {
    const { sessionId, sandboxId } = await openDesktop(stage, 'claude_code', 'desktop');
    const parts: { command: RegExp; part: DesktopPart; times: number }[] = [
      { command: /firefox/, part: 'browser', times: 2 },
      { command: /xfce4-terminal/, part: 'terminal', times: 2 },
      { command: /xfce4-session|xfwm4/, part: 'browser', times: 3 },
      { command: /Xtigervnc/, part: 'display', times: 2 },
    ];
    for (const { command, part, times } of parts) {
      assert.ok(killIn(stage.product.paths, sandboxId, command) > 0, String(command));
      await stage.comesUp(sessionId, part, times);
    }
    await stage.comesUp(sessionId, 'browser', 4);
    await stage.looks(sessionId, isTerminal);
    const keyboard = await stage.keyboard(sessionId);
    keyboard.click();
    enter(keyboard, 'claude auth login');
    await decide(stage, keyboard, consentPages.claudePlan, 'approve');
    const ended = await stage.ended(sessionId);
    assert.equal(ended.state, 'connected', JSON.stringify(ended.reason));
  });

  test('a page that a tool opens while the browser comes up is shown when it is up', async () => {
    const { sessionId, sandboxId, keyboard } = await openDesktop(stage, 'claude_code', 'page');
    assert.ok(killIn(stage.product.paths, sandboxId, /firefox/) > 0);
    enter(keyboard, 'xdg-open https://claude.com/opened-early');
    await stage.seen(({ path }) => path === '/opened-early', tokenMs);
    await stage.polydev.sessions.cancel(sessionId);
    await stage.ended(sessionId);
  });

  test('agent killed: it alone knew the sign-in, which ends with a reason', async () => {
    const { sessionId, sandboxId } = await openDesktop(stage, 'claude_code', 'agent');
    assert.ok(killIn(stage.product.paths, sandboxId, /agent\.mjs/) > 0);
    const session = await stage.ended(sessionId, AbortSignal.timeout(soonMs));
    assert.equal(session.state, 'failed');
    assertAgentLost(session);
  });

  test('the whole machine killed: the sign-in ends, and the next one works', async () => {
    const { sessionId, sandboxId } = await openDesktop(stage, 'claude_code', 'machine');
    assert.ok(killIn(stage.product.paths, sandboxId, init) > 0);
    const session = await stage.ended(sessionId, AbortSignal.timeout(soonMs));
    assert.equal(session.state, 'failed');
    assertMachineDied(session);
    const next = await openDesktop(stage, 'claude_code', 'next');
    await isUsable(next, 'after-the-machine');
    await stage.polydev.sessions.cancel(next.sessionId);
  });

  test('the agent or the machine of a run killed: the run fails with a reason, and the next one works', async () => {
    await stage.addKey('google_gemini');
    const killed = [
      { command: /agent\.mjs/, isReason: assertAgentLost },
      { command: init, isReason: assertMachineDied },
    ];
    for (const { command, isReason } of killed) {
      stage.doubles.state.behaviour.google_gemini.model = 'slow';
      const { id } = await stage.polydev.runs.start({ provider: 'google_gemini', prompt: 'Tell me something' });
      for await (const { event } of stage.polydev.runs.stream(id))
        if (event.type === 'event' && event.event.type === 'text') break;
      const sandbox = (await stage.polydev.sandboxes.list()).find(({ owner }) => owner === id);
      assert.ok(killIn(stage.product.paths, sandbox?.id ?? '', command) > 0);
      for await (const _ of stage.polydev.runs.stream(id));
      const run = await stage.polydev.runs.get(id);
      assert.equal(run.state, 'failed');
      isReason(run);
    }
    stage.doubles.state.behaviour.google_gemini.model = 'ok';
    assert.equal((await stage.run({ provider: 'google_gemini', prompt: 'say exactly plum' })).answer.trim(), 'plum');
  });

  test('a refresh token rotated during a run is written back; blanked by the tool, the sign-in is over', async () => {
    const { doubles, polydev } = stage;
    // So short that each run refreshes.
    doubles.state.behaviour.claude_code.accessTtlMs = 60_000;
    const { sessionId, keyboard } = await openDesktop(stage, 'claude_code', 'rotating');
    enter(keyboard, 'claude auth login');
    await decide(stage, keyboard, consentPages.claudePlan, 'approve');
    const { state, credentialId } = await stage.ended(sessionId);
    assert.equal(state, 'connected');
    const own = async () => {
      const all = await polydev.credentials.list();
      return all.find(({ id }) => id === credentialId) ?? assert.fail('The credential is gone.');
    };
    const { id, version: first } = await own();
    let version = first;
    const ask = (word: string) =>
      stage.run({ provider: 'claude_code', credentialId: id, prompt: `Please say exactly ${word}` });

    for (const word of ['quince', 'medlar']) {
      const run = await ask(word);
      assert.equal(run.answer.trim(), word, JSON.stringify(run.reason));
      // The tool may save it more than once.
      const renewed = (await own()).version;
      assert.ok(renewed > version, `${renewed}`);
      version = renewed;
    }

    // The access token of before may be good for a moment yet; the provider takes it no more.
    doubles.state.behaviour.claude_code.token = 'rotated';
    doubles.state.behaviour.claude_code.model = '401';
    const last = await ask('damson');
    assert.equal(last.state, 'failed');
    assertReason(last, 'provider_auth');
    doubles.state.behaviour.claude_code.token = 'ok';
    doubles.state.behaviour.claude_code.model = 'ok';
    const expired = await own();
    assert.deepEqual([expired.status, expired.version], ['expired', version]);
    const log = join(stage.product.paths.home, 'logs/controller.log');
    const says = (line: string) => line.includes(id) && line.includes('The tool ended the sign-in');
    await until(async () => readFileSync(log, 'utf8').split('\n').some(says), logMs);

    const again = { provider: 'claude_code', command: 'claude auth login', label: 'rotating' } as const;
    doubles.state.behaviour.claude_code.accessTtlMs = 8 * 3_600_000;
    assert.equal((await signIn(stage, { ...again, page: consentPages.claudePlan })).credentialId, id);
    assert.equal((await ask('sloe')).answer.trim(), 'sloe');
    assert.deepEqual([...doubles.state.tokens.revoked], []);
  });
});
