/** axe-core finds nothing to complain about, on any page in any state, in light and dark, wide and on a phone. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, type TestContext, test } from 'node:test';
import type { Page } from 'playwright-core';
import { type Asked, axePath, colourRules, findViolations } from './fixture/axe.ts';
import { missingBrowser, type Open, setStage, wear } from './fixture/browser.ts';
import { type Scene, signInPath } from './fixture/scenes/scene.ts';
import { scenes, stageScene } from './fixture/scenes.ts';

const wide = { width: 1280, height: 800 };
const phone = { width: 390, height: 844 };
const touched = { ...phone, touch: true };
const axeSource = readFileSync(axePath, 'utf8');
/** The first scene of each page: there the colours of what only a phone has are looked at. */
const firstOfPage = new Set(
  new Map(
    Object.entries(scenes)
      .toReversed()
      .map(([name, { path }]) => [path, name]),
  ).values(),
);

async function feelTouch(page: Page, enabled: boolean): Promise<void> {
  const emulation = await page.context().newCDPSession(page);
  await emulation.send('Emulation.setTouchEmulationEnabled', { enabled });
}

suite('axe finds nothing', { skip: missingBrowser, concurrency: 2, timeout: 600_000 }, () => {
  const stage = setStage();

  /** Those that no test is using. */
  const idle = new Map<typeof wide, Open[]>();

  async function open(t: TestContext, scene: Scene, view: typeof wide): Promise<Page> {
    const openers = idle.get(view) ?? [];
    idle.set(view, openers);
    const opener = openers.pop() ?? stage.openAgain(view);
    const { page, fixture } = await opener(t);
    // After what the opener does in the end: hooks run in this order.
    t.after(() => openers.push(opener));
    await page.setViewportSize(view);
    await feelTouch(page, view === touched);
    await stageScene(scene, page, fixture);
    await page.evaluate(axeSource);
    return page;
  }

  async function check(page: Page, where: string, theme: 'light' | 'dark', asked?: Asked): Promise<void> {
    await wear(page, theme);
    assert.deepEqual(await page.evaluate(findViolations, asked), [], `${where}, ${theme}`);
  }

  for (const [name, scene] of Object.entries(scenes)) {
    test(name, { timeout: 120_000 }, async (t) => {
      const page = await open(t, scene, wide);
      await check(page, 'wide', 'light');
      await check(page, 'wide', 'dark', { only: colourRules });

      // The viewer brings other controls where there is touch from its start on; all else follows the window.
      const isSignIn = scene.path === signInPath;
      const narrow = isSignIn ? await open(t, scene, touched) : page;
      if (!isSignIn) {
        await page.setViewportSize(phone);
        await feelTouch(page, true);
      }
      const isOther = isSignIn || firstOfPage.has(name);
      await check(narrow, 'on a phone', 'light', isOther ? {} : { but: colourRules });
      if (isOther) await check(narrow, 'on a phone', 'dark', { only: colourRules });
    });
  }
});
