/** Every page in every state, as pictures to be looked at: e2e/out/web. POLYDEV_SCENES names some of them. */

import { mkdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createStage, missingBrowser, type Stage, type View } from './fixture/browser.ts';
import { scenes, stageScene } from './fixture/scenes.ts';

const out = fileURLToPath(new URL('../../e2e/out/web/', import.meta.url));
const skip = missingBrowser;
const wanted = process.env.POLYDEV_SCENES?.split(',');
let stage: Stage;

before(async () => {
  if (skip) return;
  await mkdir(out, { recursive: true });
  stage = await createStage();
});
after(() => stage?.close());

const views: (View & { name: string })[] = [
  { name: '1440-light', width: 1440, height: 900 },
  { name: '1440-dark', width: 1440, height: 900, dark: true },
  { name: '1280-light', width: 1280, height: 800 },
  { name: '1280-dark', width: 1280, height: 800, dark: true },
  { name: '390-light', width: 390, height: 844, touch: true },
  { name: '390-dark', width: 390, height: 844, dark: true, touch: true },
];

for (const [name, scene] of Object.entries(scenes)) {
  if (wanted && !wanted.includes(name)) continue;
  test(`${name} looks like its pictures`, { skip, timeout: 120_000 }, async (t) => {
    for (const view of views) {
      const { page, fixture } = await stage.open(t, view);
      await stageScene(scene, page, fixture);
      await page.screenshot({ path: `${out}${name}-${view.name}.png` });
      await page.context().close();
    }
  });
}
