/** axe-core finds nothing to complain about, on any page in any state, in light and dark, wide and on a phone. */

import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import type { Page } from 'playwright-core';
import { type Asked, axePath, colourRules, findViolations } from './fixture/axe.ts';
import { missingBrowser, setStage, type View, wear } from './fixture/browser.ts';
import { type Scene, signInPath } from './fixture/scenes/scene.ts';
import { scenes, stageScene } from './fixture/scenes.ts';

const wide = { width: 1280, height: 800 };
const phone = { width: 390, height: 844 };
/** The first scene of each page: there the colours of what only a phone has are looked at. */
const firstOfPage = new Set(
  new Map(
    Object.entries(scenes)
      .toReversed()
      .map(([name, { path }]) => [path, name]),
  ).values(),
);

suite('axe finds nothing', { skip: missingBrowser, concurrency: 2, timeout: 1_800_000 }, () => {
  const stage = setStage();

  async function open(t: TestContext, scene: Scene, view: View): Promise<Page> {
    const { page, fixture } = await stage.open(t, { ...view, mayReport: scene.mayReport });
    await page.addInitScript({ path: axePath });
    await stageScene(scene, page, fixture);
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
      const narrow = isSignIn ? await open(t, scene, { ...phone, touch: true }) : page;
      if (!isSignIn) {
        await page.setViewportSize(phone);
        const emulation = await page.context().newCDPSession(page);
        await emulation.send('Emulation.setTouchEmulationEnabled', { enabled: true });
      }
      const isOther = isSignIn || firstOfPage.has(name);
      await check(narrow, 'on a phone', 'light', isOther ? {} : { but: colourRules });
      if (isOther) await check(narrow, 'on a phone', 'dark', { only: colourRules });
    });
  }
});
