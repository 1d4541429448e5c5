/** Every page in every state, as pictures to be looked at: e2e/out/web. POLYDEV_SCENES names some of them. */

import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { missingBrowser, setStage, type View, wear } from './fixture/browser.ts';
import { scenes, stageScene } from './fixture/scenes.ts';

const out = fileURLToPath(new URL('../../e2e/out/web/', import.meta.url));
const wanted = process.env.POLYDEV_SCENES?.split(',');

const views: View[] = [
  { width: 1440, height: 900 },
  { width: 1280, height: 800 },
  { width: 390, height: 844, touch: true },
];

suite('each scene looks like its pictures', { skip: missingBrowser, concurrency: 2 }, () => {
  const stage = setStage();

  for (const [name, scene] of Object.entries(scenes)) {
    if (wanted && !wanted.includes(name)) continue;
    test(name, { timeout: 120_000 }, async (t) => {
      for (const view of views) {
        const { page, fixture } = await stage.open(t, view);
        await stageScene(scene, page, fixture);
        for (const theme of ['light', 'dark'] as const) {
          await wear(page, theme);
          await page.screenshot({ path: `${out}${name}-${view.width}-${theme}.png` });
        }
        await page.context().close();
      }
    });
  }
});
