/** axe-core finds nothing to complain about, on any page in any state, in light and dark, wide and on a phone. */

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, suite, test } from 'node:test';
import type axe from 'axe-core';
import type { Page } from 'playwright-core';
import { createStage, missingBrowser, type Stage, type View } from './fixture/browser.ts';
import { scenes, stageScene } from './fixture/scenes.ts';

const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

const views: { name: string; look: View; colours: readonly ('light' | 'dark')[] }[] = [
  { name: 'wide', look: { width: 1280, height: 800 }, colours: ['light', 'dark'] },
  { name: 'on a phone', look: { width: 390, height: 844, touch: true }, colours: ['light'] },
];

suite('axe finds nothing', { skip: missingBrowser, concurrency: 2, timeout: 600_000 }, () => {
  let stage: Stage;
  before(async () => {
    stage = await createStage();
  });
  after(() => stage.close());

  for (const [name, scene] of Object.entries(scenes)) {
    test(name, { timeout: 120_000 }, async (t) => {
      for (const { name: view, look, colours } of views) {
        const { page, fixture } = await stage.open(t, look);
        await page.addInitScript({ path: axePath });
        await stageScene(scene, page, fixture);
        for (const colorScheme of colours) {
          await page.emulateMedia({ colorScheme });
          await rest(page);
          assert.deepEqual(await page.evaluate(findViolations), [], `${view}, ${colorScheme}`);
        }
        await page.context().close();
      }
    });
  }
});

/** Until nothing fades in or out any more: colours are judged then. One that ends may start another inside of it. */
async function rest(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const running = () => document.getAnimations().filter(({ playState }) => playState === 'running');
    for (let animations = running(); animations.length > 0; animations = running())
      await Promise.allSettled(animations.map(({ finished }) => finished));
  });
}

/** In the page: rules of WCAG 2.2 A and AA, and of good practice. */
async function findViolations(): Promise<string[]> {
  const { axe: checker } = window as unknown as { axe: typeof axe };
  const { violations } = await checker.run(document, { resultTypes: ['violations'] });
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary ?? ''}`),
  );
}
