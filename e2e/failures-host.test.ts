/** What the host can lack: its image, room on its disk; and room in a sandbox. */

import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { limits } from '@polydev/protocol';
import { hostPaths } from '../setup/paths.ts';
import { consentPages, decide, enter, enterAgain, openDesktop } from './desktop-sign-in.ts';
import { almostFill } from './full-disk.ts';
import { assertReason, assertRefused, openStage, type Stage } from './stage.ts';

/** Less than a boot may take. */
const soonMs = limits.sandboxBootMs - 5_000;
const isRoot = process.getuid?.() === 0;
const skip = !isRoot && 'needs root';
const diskMiB = 192;
/** A sandbox that waits was made before the image broke, and would still be good. */
const none = { min: 0, max: 0 };
const noneWaits = { desktop: none, headless: none };

suite('the image of the host', { skip, timeout: 30 * 60_000 }, () => {
  const real = hostPaths('/var/lib/polydev').images;
  const images = mkdtempSync(join(tmpdir(), 'polydev-images-'));
  const present = readdirSync(real).filter((name) => /^(current|(base-)?[a-f0-9]{64})$/.test(name));
  const link = () => {
    for (const name of present) symlinkSync(join(real, name), join(images, name));
  };
  const unlink = () => {
    for (const name of present) rmSync(join(images, name), { recursive: true, force: true });
  };
  let stage: Stage;
  before(async () => {
    chmodSync(images, 0o755);
    link();
    stage = await openStage({
      config: { signIn: { verify: 'off' }, pool: noneWaits },
      env: { POLYDEV_IMAGES: images },
    });
    await stage.addKey('claude_code');
  });
  after(async () => {
    await stage.strike();
    rmSync(images, { recursive: true, force: true });
  });

  async function startsFail(code: 'image_missing' | 'sandbox_failed', message: RegExp, hint: RegExp): Promise<void> {
    const { sessionId } = await stage.polydev.sessions.start({ provider: 'claude_code', label: code });
    const session = await stage.ended(sessionId, AbortSignal.timeout(soonMs));
    assert.equal(session.state, 'failed');
    assertReason(session, code, message);
    assert.match(session.reason?.hint ?? '', hint);
    const run = await stage.run({ provider: 'claude_code', prompt: 'hello' });
    assert.equal(run.state, 'failed');
    assertReason(run, code, message);
    assert.deepEqual(await stage.polydev.sandboxes.list(), []);
  }

  test('is gone: sign-ins and runs say so and name the command that makes it', async () => {
    unlink();
    await startsFail('image_missing', /image/, /polydev image build/);
  });

  test('is broken: what does not boot is said not to have started, without a wait for the time that a boot may take', async () => {
    for (const name of present.filter((name) => /^[a-f0-9]{64}$/.test(name))) {
      mkdirSync(join(images, name, 'rootfs/etc'), { recursive: true });
      cpSync(join(real, name, 'image.json'), join(images, name, 'image.json'));
    }
    await startsFail('sandbox_failed', /did not start/, /polydev image verify/);
  });

  test('is back: the next run works without a restart', async () => {
    unlink();
    link();
    const run = await stage.run({ provider: 'claude_code', prompt: 'Please say exactly quince' });
    assert.equal(run.answer.trim(), 'quince', JSON.stringify(run.reason));
  });
});

suite('the disk is full', { skip, timeout: 30 * 60_000 }, () => {
  let stage: Stage;
  before(async () => {
    stage = await openStage({ dataMiB: diskMiB, config: { sandbox: { desktop: { homeMiB: 256 } } } });
  });
  after(() => stage.strike());

  test('on the host: requests that must write are refused in words, and work again when there is room', async () => {
    await stage.addKey('claude_code');
    const ballast = almostFill(stage.product.paths);
    ballast.fill();
    const error = await assertRefused(
      stage.polydev.runs.start({ provider: 'claude_code', prompt: 'x'.repeat(1_000_000) }),
      'disk_full',
    );
    assert.equal(error.status, 507);
    ballast.empty();
    const run = await stage.run({ provider: 'claude_code', prompt: 'Please say exactly quince' });
    assert.equal(run.answer.trim(), 'quince', JSON.stringify(run.reason));
  });

  test('in a sandbox: a sign-in that cannot be saved is not taken for one, and works when there is room', async () => {
    const desktop = await openDesktop(stage, 'claude_code', 'full');
    const { sessionId, keyboard } = desktop;
    enter(keyboard, 'cat /dev/zero > ~/ballast; claude auth login');
    await decide(stage, keyboard, consentPages.claudePlan, 'approve');
    await enterAgain(stage, desktop, 'rm ~/ballast; claude auth login');
    assert.equal((await stage.polydev.sessions.get(sessionId)).state, 'signing_in');
    await decide(stage, keyboard, consentPages.claudePlan, 'approve');
    assert.equal((await stage.ended(sessionId)).state, 'connected');
  });
});
