/** Viewers of a desktop that are slow, several, or come and go. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, suite, test } from 'node:test';
import type { SessionId } from '@polydev/protocol';
import { createWebSocketStream } from 'ws';
import { logIn, openDashboard } from './dashboard.ts';
import { enter, isTerminal, openDesktop } from './desktop-sign-in.ts';
import { memoryOf, pidOf } from './processes.ts';
import { type Picture, shareOf, waitForPicture } from './rfb-picture.ts';
import { openStage, type Stage } from './stage.ts';
import { openSwitchboard } from './switchboard.ts';

const isRoot = process.getuid?.() === 0;
/** 1 Mbit/s. */
const slowBytesPerSecond = 125_000;
const isFilledWith = (colour: Parameters<typeof shareOf>[1]) => (picture: Picture) => shareOf(picture, colour) > 0.5;

/** A command that gives the terminal another background. */
const paint = (colour: string) => `printf '\\033]11;${colour}\\007'`;

suite('viewers', { skip: !isRoot && 'needs root', timeout: 30 * 60_000 }, () => {
  let stage: Stage;
  let sessionId: SessionId;
  before(async () => {
    stage = await openStage();
    const desktop = await openDesktop(stage, 'claude_code');
    sessionId = desktop.sessionId;
    desktop.keyboard.close();
  });
  after(() => stage.strike());

  test('for a viewer on a line of 1 Mbit the controller keeps little, and nobody else waits', async () => {
    const line = await openSwitchboard(Number(new URL(stage.product.url).port), { bytesPerSecond: slowBytesPerSecond });
    const usedMiB = memoryOf(pidOf(stage.product.paths, 'controller'));
    const beforeMiB = usedMiB();
    let mostMiB = beforeMiB;
    const watch = setInterval(() => {
      mostMiB = Math.max(mostMiB, usedMiB());
    }, 100);
    try {
      let arrived = false;
      const slow = createWebSocketStream(await stage.viewer(sessionId, line.port));
      const picture = waitForPicture(slow, isTerminal).then(() => {
        arrived = true;
      });
      // Without compression a picture is megabytes: others have seen several while the slow one loads its first.
      for (let round = 0; round < 3; round += 1) await stage.looks(sessionId, isTerminal);
      assert.equal(arrived, false);
      slow.destroy();
      await assert.rejects(picture);
    } finally {
      clearInterval(watch);
      await line.close();
    }
    assert.ok(usedMiB() > 0, 'it is the one of the beginning');
    assert.ok(mostMiB - beforeMiB < 64, `${Math.round(mostMiB - beforeMiB)} MiB more`);
  });

  test('on a line of 1 Mbit the dashboard loads, shows the desktop live, and types', async () => {
    const line = await openSwitchboard(Number(new URL(stage.product.url).port), { bytesPerSecond: slowBytesPerSecond });
    const dashboard = await openDashboard();
    try {
      const { page } = dashboard;
      await logIn(page, `http://127.0.0.1:${line.port}`);
      await page.goto(`http://127.0.0.1:${line.port}/dashboard/remote-cli/auth?sessionId=${sessionId}`);
      await page.locator('[data-testid=viewer-state][data-state=live]').waitFor();
      await page.getByTestId('viewer').locator('canvas').click();
      await page.keyboard.type(paint('#0000ff'));
      await page.keyboard.press('Enter');
      await stage.looks(sessionId, isFilledWith({ r: 0, g: 0, b: 255 }));
      assert.deepEqual(dashboard.complaints, []);
    } finally {
      await dashboard.close();
      await line.close();
    }
  });

  test('a tab that is closed and opened again shows the desktop as it went on meanwhile', async () => {
    const keyboard = await stage.keyboard(sessionId);
    keyboard.click();
    enter(keyboard, paint('#ffffff'));
    keyboard.close();
    await stage.looks(sessionId, isFilledWith({ r: 255, g: 255, b: 255 }));
    assert.equal((await stage.polydev.sessions.get(sessionId)).state, 'ready');
  });

  test('two tabs on one sign-in show the same, and both can type', async () => {
    const [one, two] = [await stage.keyboard(sessionId), await stage.keyboard(sessionId)];
    one.click();
    enter(one, paint('#ff0000'));
    const red = isFilledWith({ r: 255, g: 0, b: 0 });
    await Promise.all([stage.looks(sessionId, red), stage.looks(sessionId, red)]);
    enter(two, 'xdg-open https://claude.com/second');
    await stage.sessionEvent(sessionId, (event) => event.type === 'opened' && event.page.endsWith('/second'));
    one.close();
    two.close();
  });

  test('when the sign-in ends, every tab is told so', async () => {
    // The first message comes once; who listens later waits in vain.
    const open = async () => {
      const tab = await stage.viewer(sessionId);
      await once(tab, 'message');
      return tab;
    };
    const tabs = await Promise.all([open(), open()]);
    const closed = tabs.map((tab) => new Promise<number>((resolve) => tab.once('close', resolve)));
    await stage.polydev.sessions.cancel(sessionId);
    assert.deepEqual(await Promise.all(closed), [4000, 4000]);
  });
});
