/** Settings: profile, theme, API tokens, the browsers that are signed in. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingBrowser, setStage } from './fixture/browser.ts';
import { tokens } from './fixture/data.ts';
import { becomes } from './fixture/until.ts';

const options = { skip: missingBrowser, timeout: 120_000 };
const stage = setStage();

test('name and password are changed; a wrong password is said', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await page.goto('/dashboard/settings');
  await page.getByRole('button', { name: 'Change name' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('Ada Lovelace');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Account of Ada Lovelace' }).waitFor();

  await page.getByRole('button', { name: 'Change password' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Current password').fill('wrong password');
  await dialog.getByLabel('New password').fill('a much better one');
  await page.keyboard.press('Enter');
  await dialog.getByText('The present password is wrong.').waitFor();
  await dialog.getByLabel('Current password').fill('the right one');
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  assert.deepEqual(fixture.posted.at(-1)?.body, { password: 'the right one', newPassword: 'a much better one' });
});

test('the chosen theme holds over a reload, whatever the system says', options, async (t) => {
  const { page } = await stage.open(t, { dark: true });
  await page.goto('/dashboard/settings');
  await page.getByText('Light', { exact: true }).click();
  await page.reload();
  await page.getByRole('radio', { name: 'Light' }).waitFor({ state: 'attached' });
  assert.equal(await page.getByRole('radio', { name: 'Light' }).isChecked(), true);
  assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), 'light');
});

test("the browser's own bars have the colour of the chosen theme, or else of the system's", options, async (t) => {
  const { page } = await stage.open(t, { dark: true });
  const light = '#f7f8fa';
  const dark = '#111418';
  const bars = () =>
    page.evaluate(() => {
      const colours = [...document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]')];
      return colours.find(({ media }) => matchMedia(media).matches)?.content;
    });
  await page.goto('/dashboard/settings');
  await becomes(bars, dark);
  await page.getByText('Light', { exact: true }).click();
  await becomes(bars, light);
  await page.reload();
  await becomes(bars, light);
  await page.getByText('System', { exact: true }).click();
  await becomes(bars, dark);
  await page.emulateMedia({ colorScheme: 'light' });
  await becomes(bars, light);
});

test('a token says what it may do and until when', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await page.goto('/dashboard/settings');
  await page.getByLabel('Name of the new token').fill('nightly');
  await page.getByRole('button', { name: /^It may/ }).click();
  await page.getByRole('menuitemradio', { name: 'Read only' }).click();
  await page.getByRole('button', { name: /^It lasts/ }).click();
  await page.getByRole('menuitemradio', { name: 'For 7 days' }).click();
  await page.getByRole('button', { name: 'Create token' }).click();
  await page.getByText(/Read only · until/).waitFor();
  const { body } = fixture.posted.at(-1) as { body: { scopes: string[]; expiresAtMs: number } };
  assert.deepEqual(body.scopes, ['read']);
  const days = (body.expiresAtMs - Date.now()) / 86_400_000;
  assert.ok(days > 6.9 && days < 7.1, `${days} days`);
});

test('a token is shown once and can be revoked', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  fixture.state.tokens = tokens(Date.now());
  await page.goto('/dashboard/settings');
  await page.getByLabel('Name of the new token').fill('ci');
  await page.getByRole('button', { name: 'Create token' }).click();
  await page.getByText(/^pd_/).waitFor();
  await page.getByRole('button', { name: 'I have it' }).click();
  await page.getByText(/^pd_/).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Revoke laptop' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('button', { name: 'Revoke laptop' }).waitFor({ state: 'detached' });
});

test('other browsers are signed out from here', options, async (t) => {
  const { page } = await stage.open(t);
  await page.goto('/dashboard/settings');
  await page.getByText('This browser', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Sign out Safari on iPhone' }).click();
  await page.getByText('Safari on iPhone', { exact: true }).waitFor({ state: 'detached' });
  assert.equal(await page.getByRole('button', { name: 'Sign out all others' }).count(), 0);
});
