/** Each page in each state that comes up by itself, in a real Firefox: no error, no breach of the policy, nothing for axe, wide and as narrow as a phone. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { type Asked, axePath, colourRules, findViolations } from './fixture/axe.ts';
import { createFirefoxStage, type FirefoxStage, missingFirefox } from './fixture/firefox.ts';
import { arrange, type Scene } from './fixture/scenes/scene.ts';
import { scenes } from './fixture/scenes.ts';

const options = { skip: missingFirefox, timeout: 120_000 };
const all: [string, Scene][] = Object.entries(scenes);
const themes: [string, Asked?][] = [['light'], ['dark', { only: colourRules }]];
const phone = { width: 390, height: 844 };
let stage: FirefoxStage;

before(async () => {
  if (!missingFirefox) stage = await createFirefoxStage();
});
after(() => stage?.close());

for (const [name, scene] of all.filter(([, { act }]) => !act)) {
  test(`Firefox: ${name}`, options, async (t) => {
    const { page, fixture, url } = await stage.open(t);
    if (scene.arrange) arrange(fixture, scene.arrange);
    await page.goto(`${url}${scene.path}`);
    await page.waitForSelector(':is(h1, h2):not(:empty)');
    const { shows } = scene;
    if (shows) await page.waitForSelector('css' in shows ? shows.css : `::-p-text(${shows.text})`, { visible: true });
    await page.evaluate(() => document.fonts.ready.then(() => undefined));
    await page.evaluate(readFileSync(axePath, 'utf8'));
    for (const [theme, asked] of themes) {
      await page.evaluate((wanted) => {
        document.documentElement.dataset.theme = wanted;
      }, theme);
      assert.deepEqual(await page.evaluate(findViolations, asked), [], theme);
    }
    assert.equal(await page.evaluate(scrollsSideways), false);
    await page.setViewport(phone);
    await page.waitForFunction((width) => window.innerWidth === width, {}, phone.width);
    assert.deepEqual(await page.evaluate(findViolations, { but: colourRules }), [], 'on a phone');
    assert.equal(await page.evaluate(scrollsSideways), false, 'on a phone');
  });
}

/** In the page. */
function scrollsSideways(): boolean {
  return document.documentElement.scrollWidth > window.innerWidth;
}
