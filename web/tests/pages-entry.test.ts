/** The pages before anyone is signed in: set-up and login. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingBrowser, setStage } from './fixture/browser.ts';
import { connections } from './fixture/scenes/scene.ts';
import { becomes } from './fixture/until.ts';

const options = { skip: missingBrowser, timeout: 120_000 };
const stage = setStage();

test('set-up asks for name and password, and lands on Connections', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  Object.assign(fixture.state, { setupNeeded: true, me: null });
  await page.goto('/setup#token=one-time');
  await becomes(() => page.getByRole('textbox').count(), 2);
  await page.getByLabel('Name').fill('Ada');
  await page.getByLabel('Password').fill('a long enough one');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Connections' }).waitFor();
  assert.equal(new URL(page.url()).pathname, connections);
  assert.deepEqual(fixture.posted[0]?.body, { setupToken: 'one-time', name: 'Ada', password: 'a long enough one' });
});

test('who is not signed in comes to the login, and then to where they wanted to go', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  fixture.state.me = null;
  await page.goto('/dashboard/settings');
  await page.getByLabel('Name').fill('Ada');
  await page.getByLabel('Password').fill('wrong password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('Name or password is wrong.').waitFor();
  await page.getByLabel('Password').fill('the right password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'API tokens' }).waitFor();
});
