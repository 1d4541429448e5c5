/** axe-core finds nothing to complain about, on any page in any state, in light and dark, wide and on a phone. */

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { axePath, findViolations } from './fixture/axe.ts';
import { missingBrowser, setStage, type View, wear } from './fixture/browser.ts';
import { scenes, stageScene } from './fixture/scenes.ts';

/** What axe is asked in each view: in the dark, nothing but the colours is another. */
const views: { name: string; look: View; colours: readonly { theme: 'light' | 'dark'; rules?: string[] }[] }[] = [
  {
    name: 'wide',
    look: { width: 1280, height: 800 },
    colours: [{ theme: 'light' }, { theme: 'dark', rules: ['color-contrast', 'link-in-text-block'] }],
  },
  { name: 'on a phone', look: { width: 390, height: 844, touch: true }, colours: [{ theme: 'light' }] },
];

suite('axe finds nothing', { skip: missingBrowser, concurrency: 2, timeout: 600_000 }, () => {
  const stage = setStage();

  for (const [name, scene] of Object.entries(scenes)) {
    test(name, { timeout: 120_000 }, async (t) => {
      for (const { name: view, look, colours } of views) {
        const { page, fixture } = await stage.open(t, look);
        await page.addInitScript({ path: axePath });
        await stageScene(scene, page, fixture);
        for (const { theme, rules } of colours) {
          await wear(page, theme);
          assert.deepEqual(await page.evaluate(findViolations, rules), [], `${view}, ${theme}`);
        }
        await page.context().close();
      }
    });
  }
});
