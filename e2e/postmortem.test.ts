/** What is left of a machine that died: its console, journal, picture and timeline, and no secret in any text. */

import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { limits, type SandboxLogs, type SandboxOrOwnerId } from '@polydev/protocol';
import { enter, openDesktop } from './desktop-sign-in.ts';
import { init, killIn } from './processes.ts';
import { assertReason, openStage, type Stage } from './stage.ts';

const isRoot = process.getuid?.() === 0;
const out = fileURLToPath(new URL('out/postmortem/', import.meta.url));
const planted = 'sk-ant-api03-planted-by-the-post-mortem-scenario';
const agent = /agent\.mjs/;
const saidMs = 180_000;

suite('a machine that dies', { skip: !isRoot && 'needs root', timeout: 30 * 60_000 }, () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage();
    await mkdir(out, { recursive: true });
  });
  after(() => stage.strike());

  /** The first logs that fit. */
  async function logsUntil(id: SandboxOrOwnerId, fits: (logs: SandboxLogs) => boolean): Promise<SandboxLogs> {
    const endMs = performance.now() + saidMs;
    for (;;) {
      const logs = await stage.polydev.sandboxes.logs(id);
      if (fits(logs)) return logs;
      if (performance.now() > endMs) assert.fail(`It never said it. It said:\n${JSON.stringify(logs, null, 1)}`);
    }
  }

  async function assertPicture(id: SandboxOrOwnerId, name: string): Promise<void> {
    const picture = Buffer.from(await (await stage.polydev.sandboxes.screenshot(id)).arrayBuffer());
    await writeFile(`${out}${name}.png`, picture);
    assert.equal(picture.toString('latin1', 1, 4), 'PNG');
    assert.ok(picture.length > 4_000 && picture.length <= limits.pictureBytes, `${picture.length}`);
    assert.deepEqual([picture.readUInt32BE(16), picture.readUInt32BE(20)], [1920, 1080]);
  }

  /** A desktop in whose terminal a secret was typed, and its journal and console tell of that. */
  async function tellingDesktop(word: string) {
    const desktop = await openDesktop(stage, 'claude_code', word);
    const { sessionId, keyboard } = desktop;
    enter(keyboard, `logger -p user.notice heard ${word} ${planted}`);
    const live = await logsUntil(sessionId, ({ journal, console }) =>
      [journal, console].every((text) => text.includes(`heard ${word}`)),
    );
    assert.deepEqual([live.endedAtMs, live.picture], [null, true]);
    await assertPicture(sessionId, `${word}-live`);
    return desktop;
  }

  function assertNoSecret(logs: SandboxLogs): void {
    const text = JSON.stringify(logs);
    for (const secret of [planted, ...stage.doubles.state.secrets()]) assert.ok(!text.includes(secret), secret);
  }

  const ends = [
    {
      name: 'agent',
      command: agent,
      // On a busy machine it is given up before it is back.
      reason: /agent|connection to the sandbox was lost/,
      console: /polydev-agent\.service: Main process exited, code=killed/,
    },
    { name: 'machine', command: init, reason: /died/, console: /polydev-agent ready/ },
  ];
  for (const { name, command, reason, console } of ends) {
    test(`the ${name} of a sign-in: what it said and showed is kept, without the secret`, async () => {
      const { sessionId, sandboxId } = await tellingDesktop(name);
      assert.ok(killIn(stage.product.paths, sandboxId, command) > 0);
      const ended = await stage.ended(sessionId);
      assert.match(ended.reason?.message ?? '', reason);
      assert.ok((await stage.polydev.sandboxes.list()).every(({ id }) => id !== sandboxId));

      const logs = await stage.polydev.sandboxes.logs(sessionId);
      assert.deepEqual([logs.id, logs.reason], [sandboxId, ended.reason]);
      assert.match(logs.console, console);
      for (const text of [logs.console, logs.journal]) assert.match(text, new RegExp(`heard ${name} \\[secret\\]`));
      assert.match(logs.journal, /polydev-home\.service|Reached target/);
      const states = logs.timeline.map((entry) => (entry.of === 'sandbox' ? entry.state : entry.of));
      for (const state of ['booting', 'claimed', 'session']) assert.ok(states.includes(state as never), state);
      assertNoSecret(logs);
      await assertPicture(sandboxId as SandboxOrOwnerId, name);
    });
  }

  test('the machine of a run: what it said is kept, and goes with the run', async () => {
    await stage.addKey('google_gemini');
    stage.doubles.state.behaviour.google_gemini.model = 'slow';
    const { id } = await stage.polydev.runs.start({ provider: 'google_gemini', prompt: 'Tell me something' });
    for await (const { event } of stage.polydev.runs.stream(id))
      if (event.type === 'event' && event.event.type === 'text') break;
    const sandbox = (await stage.polydev.sandboxes.list()).find(({ owner }) => owner === id);
    assert.ok(killIn(stage.product.paths, sandbox?.id ?? '', init) > 0);
    for await (const _ of stage.polydev.runs.stream(id));
    const logs = await stage.polydev.sandboxes.logs(id);
    assertReason(logs, 'sandbox_failed', /died/);
    assert.deepEqual([logs.id, logs.picture], [sandbox?.id, false]);
    assert.match(logs.console, /polydev-agent ready/);
    assertNoSecret(logs);
    await stage.polydev.runs.remove(id);
    await assert.rejects(stage.polydev.sandboxes.logs(id), { code: 'not_found' });
  });
});
