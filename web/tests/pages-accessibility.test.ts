/** axe-core finds nothing to complain about, on any page in any state, in light and dark, wide and on a phone. */

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import type axe from 'axe-core';
import { createStage, missingBrowser, type Stage, type View } from './fixture/browser.ts';
import { scenes, stageScene } from './fixture/scenes.ts';

const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const options = { skip: missingBrowser, timeout: 240_000 };
let stage: Stage;

before(async () => {
  if (!missingBrowser) stage = await createStage();
});
after(() => stage?.close());

const views: (View & { name: string })[] = [
  { name: 'light', width: 1280, height: 800 },
  { name: 'dark', width: 1280, height: 800, dark: true },
  { name: 'light, on a phone', width: 390, height: 844, touch: true },
];

for (const [name, scene] of Object.entries(scenes)) {
  test(`axe finds nothing: ${name}`, options, async (t) => {
    for (const { name: view, ...look } of views) {
      const { page, fixture } = await stage.open(t, look);
      await page.addInitScript({ path: axePath });
      await stageScene(scene, page, fixture);
      // Colours are judged when nothing fades in or out any more.
      await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished)));
      const violations = await page.evaluate(findViolations);
      assert.deepEqual(violations, [], view);
      await page.context().close();
    }
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
