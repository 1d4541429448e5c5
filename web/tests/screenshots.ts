/** Every page in every state, as pictures to be looked at: e2e/out/web. POLYDEV_SCENES names some of them. */

import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { missingBrowser, setStage, type View, wear } from './fixture/browser.ts';
import type { Scene } from './fixture/scenes/scene.ts';
import { scenes, stageScene } from './fixture/scenes.ts';

const out = fileURLToPath(new URL('../../e2e/out/web/', import.meta.url));
const wanted = process.env.POLYDEV_SCENES?.split(',');
const unknown = wanted?.filter((name) => !(name in scenes)) ?? [];
if (unknown.length > 0) throw new Error(`There is no scene called ${unknown.join(', ')}.`);

const views = [
  { width: 1440, height: 900 },
  { width: 1280, height: 800 },
  { width: 390, height: 844, touch: true },
] satisfies View[];

suite('each scene looks like its pictures', { skip: missingBrowser, concurrency: 2 }, () => {
  const stage = setStage();

  for (const [name, scene] of Object.entries<Scene>(scenes)) {
    if (wanted && !wanted.includes(name)) continue;
    test(name, { timeout: 120_000 }, async (t) => {
      for (const view of views) {
        const { page, fixture } = await stage.open(t, { ...view, mayReport: scene.mayReport });
        await stageScene(scene, page, fixture);
        await showAll(page, view);
        for (const theme of ['light', 'dark'] as const) {
          await wear(page, theme);
          await page.screenshot({ path: `${out}${name}-${view.width}-${theme}.png` });
        }
        await page.context().close();
      }
    });
  }
});

/** As tall as what the page scrolls, so that the picture has all of it. A dialog is shown as it is seen, and so is a desktop. */
async function showAll(page: Page, { width, height }: Required<Pick<View, 'width' | 'height'>>): Promise<void> {
  const hiddenPx = await page.evaluate(() => {
    if (document.querySelector('[role=dialog], [role=alertdialog], [role=menu], [data-testid=viewer]')) return 0;
    const isScroller = (element: Element) =>
      element.clientHeight > window.innerHeight / 2 && /auto|scroll/.test(getComputedStyle(element).overflowY);
    const scrollers = [...document.querySelectorAll('main, main *')].filter(isScroller);
    return Math.max(0, ...scrollers.map(({ scrollHeight, clientHeight }) => scrollHeight - clientHeight));
  });
  if (hiddenPx > 0) await page.setViewportSize({ width, height: height + hiddenPx });
}
