/** axe-core finds nothing to complain about, on any page in any state, in light and dark, wide and on a phone. */

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { suite, test } from 'node:test';
import type axe from 'axe-core';
import { missingBrowser, setStage, type View, wear } from './fixture/browser.ts';
import { scenes, stageScene } from './fixture/scenes.ts';

const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

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

/** In the page: rules of WCAG 2.2 A and AA, and of good practice, unless told which. */
async function findViolations(rules?: string[]): Promise<string[]> {
  const { axe: checker } = window as unknown as { axe: typeof axe };
  const { violations } = await checker.run(document, {
    resultTypes: ['violations'],
    // It would copy style sheets into inline ones, which our own policy refuses, for a rule that is off.
    preload: false,
    ...(rules && { runOnly: rules }),
  });
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary ?? ''}`),
  );
}
