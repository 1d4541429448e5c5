/** Sessions: the list and its filter, and one sign-in looked at afterwards. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingBrowser, setStage } from './fixture/browser.ts';
import { pastSessions } from './fixture/data.ts';
import { scenes, stageScene } from './fixture/scenes.ts';

const options = { skip: missingBrowser, timeout: 120_000 };
const stage = setStage();

test('sessions are filtered, and the filter stands in the address', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  fixture.state.sessions = pastSessions(Date.now());
  await page.goto('/dashboard/sessions');
  const rows = page.locator('main li');
  await rows.nth(3).waitFor();
  await page.getByRole('button', { name: /^Outcome/ }).click();
  await page.getByRole('menuitemradio', { name: 'Failed' }).click();
  await rows.nth(1).waitFor({ state: 'detached' });
  assert.equal(new URL(page.url()).search, '?state=failed');
  await page.reload();
  await page.getByText('this plan does not include Codex').waitFor();
  assert.equal(await rows.count(), 1);
  await page.getByRole('button', { name: /^Tool/ }).click();
  await page.getByRole('menuitemradio', { name: 'Gemini CLI' }).click();
  await page.getByRole('button', { name: 'Show all' }).click();
  await rows.nth(3).waitFor();
});

test('a failure leads to its session, with the events and the console', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await stageScene(scenes['sign-in-failed'], page, fixture);
  await page.getByText('Console of its machine').click();
  await page.getByText('polydev-agent ready').waitFor();
  await page.getByRole('link', { name: 'This sign-in under Sessions' }).click();
  await page.waitForURL('**/dashboard/sessions/ses_current*');
  await page.getByText('Opened https://claude.com/cai/oauth/authorize').waitFor();
  await page.getByText('Console of its machine').click();
  await page.getByText('polydev-agent ready').waitFor();
  await page.getByText('Journal of its machine').click();
  await page.getByText('Failed with result').waitFor();
  await page.getByText('Last picture of its desktop').click();
  const picture = page.getByAltText('The desktop as it was seen last');
  await picture.evaluate((image: HTMLImageElement) => image.decode());
});

test('the facts of a sign-in stand beside its timeline, on a phone above it', options, async (t) => {
  for (const { width, beside } of [
    { width: 1440, beside: true },
    { width: 390, beside: false },
  ]) {
    const { page, fixture } = await stage.open(t, { width });
    await stageScene(scenes['session-connected'], page, fixture);
    const facts = await page.locator('dl').boundingBox();
    const timeline = await page.getByRole('region', { name: 'Timeline' }).boundingBox();
    assert.ok(facts && timeline);
    if (beside) assert.ok(facts.x >= timeline.x + timeline.width && facts.y === timeline.y, `at ${width}`);
    else assert.ok(facts.y + facts.height <= timeline.y, `at ${width}`);
  }
});

test('a sign-in that does not exist is said, and there is nothing to try again', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await stageScene(scenes['session-unknown'], page, fixture);
  await page.getByRole('link', { name: 'All sessions' }).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Try again' }).count(), 0);
});
