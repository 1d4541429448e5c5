/** What the dashboard shows in a demo, and in nothing else. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demoApiKeys } from '@polydev/protocol/demo';
import type { Page } from 'playwright-core';
import { missingBrowser, setStage } from './fixture/browser.ts';
import { fullCredentials } from './fixture/data.ts';
import { connections } from './fixture/scenes/scene.ts';

const options = { skip: missingBrowser, timeout: 120_000 };
const stage = setStage();

const banner = (page: Page) => page.getByRole('complementary', { name: 'Demo' });

test('a demo says so on every page, also before anyone is signed in, and on a phone', options, async (t) => {
  const { page, fixture } = await stage.open(t, { width: 390, height: 844, touch: true });
  fixture.state.demo = true;
  for (const path of [connections, '/dashboard/runs', '/dashboard/sessions', '/dashboard/settings', '/nowhere']) {
    await page.goto(path);
    await banner(page).getByText('nothing leaves this machine').waitFor();
    await page.evaluate(() => document.fonts.ready.then(() => undefined));
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), path);
  }
  fixture.state.me = null;
  await page.goto('/login');
  await banner(page).waitFor();
  fixture.state.setupNeeded = true;
  await page.goto('/setup#token=one-time');
  await banner(page).waitFor();
});

test('what is no demo has no banner, no key to take over and no prompt that fails', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  fixture.state.credentials = fullCredentials(Date.now());
  await page.goto('/dashboard/runs');
  await page.getByRole('button', { name: /largest files/ }).waitFor();
  assert.equal(await page.getByRole('button', { name: /fail with/ }).count(), 0);
  await openKeyDialog(page);
  assert.equal(await page.getByRole('button', { name: 'Use it' }).count(), 0);
  assert.equal(await banner(page).count(), 0);
});

test('the key that a demo accepts is taken over with one click', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  fixture.state.demo = true;
  await openKeyDialog(page);
  await page.getByRole('dialog').getByText(demoApiKeys.google_gemini).waitFor();
  await page.getByRole('button', { name: 'Use it' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Connect' }).click();
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  const sent = fixture.posted.at(-1)?.body as { apiKey: string };
  assert.equal(sent.apiKey, demoApiKeys.google_gemini);
});

async function openKeyDialog(page: Page): Promise<void> {
  await page.goto(connections);
  await page
    .getByTestId('card-google_gemini')
    .getByRole('button', { name: /^More for/ })
    .click();
  await page.getByRole('menuitem', { name: 'Use an API key' }).click();
  await page.getByRole('dialog').waitFor();
}
