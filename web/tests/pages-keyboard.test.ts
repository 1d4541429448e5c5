/** Each page by keyboard alone: no test here touches the mouse. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { missingBrowser, setStage } from './fixture/browser.ts';
import { fullCredentials, fullRuns, pastSessions, signInEvents, tokens } from './fixture/data.ts';
import { connections, live, signInPath } from './fixture/scenes/scene.ts';
import { until } from './fixture/until.ts';

const options = { skip: missingBrowser, timeout: 120_000 };
const stage = setStage();

/** More than any page has places to stop at. */
const mostPresses = 80;

type Role = Parameters<Page['getByRole']>[0];

/** Tab after tab, or arrow after arrow, until what has the focus is this. */
async function tabTo(page: Page, role: Role, name: string | RegExp, key = 'Tab'): Promise<void> {
  const wanted = page.getByRole(role, { name }).and(page.locator(':focus'));
  for (let presses = 0; presses < mostPresses; presses += 1) {
    await page.keyboard.press(key);
    // A menu moves the focus in a timer of its own, which comes before this one.
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
    if (await wanted.count()) return;
  }
  assert.fail(`No ${key} leads to the ${role} ${name}.`);
}

/** Opens the menu whose button has the focus. */
async function chooseIn(page: Page, item: string): Promise<void> {
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: item }).waitFor();
  const wanted = page.getByRole('menuitem', { name: item }).and(page.locator(':focus'));
  if (!(await wanted.count())) await tabTo(page, 'menuitem', item, 'ArrowDown');
  await page.keyboard.press('Enter');
}

test('a sign-in is begun, its command given, extended and cancelled', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await page.goto(connections);
  await page.getByTestId('connect-claude_code').waitFor();
  await tabTo(page, 'button', 'Connect Claude Code');
  await page.keyboard.press('Enter');
  await page.waitForURL(`**${signInPath}`);
  for (const [, event] of signInEvents.slice(0, 5)) fixture.sessionEvents.add(event);
  await live(page);
  await page.getByRole('button', { name: 'Type it for me' }).waitFor();

  await tabTo(page, 'button', 'Type it for me');
  await page.keyboard.press('Enter');
  await until(() => fixture.viewers.rfb.keys.at(-1) === 'Enter');
  await page.locator('[data-testid=viewer] canvas:focus').waitFor();
  // The desktop has the keyboard now, Tab included, until it is asked back.
  for (const key of ['Control', 'Alt', 'Shift']) await page.keyboard.down(key);
  for (const key of ['Control', 'Alt', 'Shift']) await page.keyboard.up(key);
  await page.getByRole('button', { name: 'Full screen' }).and(page.locator(':focus')).waitFor();

  await tabTo(page, 'button', 'Extend');
  await page.keyboard.press('Enter');
  await until(() => fixture.posted.some(({ path }) => path.endsWith('/extend')));
  await tabTo(page, 'button', 'Cancel the sign-in');
  await page.keyboard.press('Space');
  await until(() => fixture.state.sessions[0]?.state === 'cancelled');
});

test('a run is asked for, an earlier one found, and one deleted', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  fixture.state.credentials = fullCredentials(Date.now());
  fixture.state.runs = fullRuns(Date.now());
  const count = fixture.state.runs.length;
  await page.goto('/dashboard/runs');
  await page.getByLabel('Prompt', { exact: true }).and(page.locator(':focus')).waitFor();
  await page.keyboard.type('What is a proxy?');
  await page.keyboard.press('Control+Enter');
  await until(() => fixture.state.runs.length === count + 1);

  await tabTo(page, 'searchbox', 'Search runs');
  await page.keyboard.type('haiku');
  await tabTo(page, 'link', /Write a haiku/);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/dashboard/runs/run_stopped*');
  await page.getByRole('button', { name: 'Delete the run' }).waitFor();
  await tabTo(page, 'button', 'Delete the run');
  await page.keyboard.press('Enter');
  await page.getByRole('alertdialog').waitFor();
  await tabTo(page, 'button', 'Delete');
  await page.keyboard.press('Enter');
  await until(() => fixture.state.runs.length === count);
});

test('a sign-in of before is filtered for and opened', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  fixture.state.sessions = pastSessions(Date.now());
  await page.goto('/dashboard/sessions');
  await page.locator('main li').nth(3).waitFor();
  await tabTo(page, 'button', /^Outcome/);
  await page.keyboard.press('Enter');
  await page.getByRole('menuitemradio', { name: 'Failed' }).waitFor();
  await tabTo(page, 'menuitemradio', 'Failed', 'ArrowDown');
  await page.keyboard.press('Enter');
  await page.locator('main li').nth(1).waitFor({ state: 'detached' });
  // The menu takes every Tab until it has closed and given the focus back.
  await page
    .getByRole('button', { name: /^Outcome/ })
    .and(page.locator(':focus'))
    .waitFor();
  await tabTo(page, 'link', /Codex/);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/dashboard/sessions/*');
});

test('a token is made and copied, and the theme chosen', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await page.goto('/dashboard/settings');
  await page.getByRole('button', { name: 'Change name' }).waitFor();
  await tabTo(page, 'textbox', 'Name of the new token');
  await page.keyboard.type('laptop');
  await page.keyboard.press('Enter');
  await until(() => fixture.posted.some(({ path }) => path === '/api/tokens'));
  await tabTo(page, 'button', /^Copy/);
  await tabTo(page, 'radio', /System|Light|Dark/);
  await page.keyboard.press('ArrowRight');
  await until(() => page.evaluate(() => localStorage.length > 0));
});

/** Set-up and login ask for the same. */
async function enterName(page: Page): Promise<void> {
  await page.getByLabel('Name').and(page.locator(':focus')).waitFor();
  await page.keyboard.type('Ada');
  await tabTo(page, 'textbox', 'Password');
  await page.keyboard.type('a long enough one');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Connections' }).waitFor();
}

test('Polydev is set up, left, and come back to', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  Object.assign(fixture.state, { setupNeeded: true, me: null });
  await page.goto('/setup#token=one-time');
  await enterName(page);

  await tabTo(page, 'button', 'Account of Ada');
  await chooseIn(page, 'Sign out');
  await enterName(page);
});

test('a tool is connected by a key, its account renamed, and disconnected', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await page.goto(connections);
  await page.getByTestId('api-key-google_gemini').waitFor();
  await tabTo(page, 'button', /Use an API key|API key/);
  const provider = await page.evaluate(() => document.activeElement?.closest('[data-testid^=card-]')?.ariaLabel);
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByLabel('API key').and(page.locator(':focus')).waitFor();
  await page.keyboard.type('AIzaPlanted');
  await page.keyboard.press('Enter');
  await until(() => fixture.state.credentials.length === 1);
  await page.getByRole('dialog').waitFor({ state: 'detached' });

  await tabTo(page, 'button', `More for ${provider}`);
  await chooseIn(page, 'Rename');
  await page.getByRole('dialog').getByLabel('Name of the account').and(page.locator(':focus')).waitFor();
  await page.keyboard.press('Control+A');
  await page.keyboard.type('company');
  await page.keyboard.press('Enter');
  await until(() => fixture.state.credentials[0]?.label === 'company');
  await page.getByRole('dialog').waitFor({ state: 'detached' });

  await tabTo(page, 'button', `More for ${provider}`);
  await chooseIn(page, 'Disconnect');
  await page.getByRole('alertdialog').waitFor();
  await tabTo(page, 'button', 'Disconnect');
  await page.keyboard.press('Enter');
  await until(() => fixture.state.credentials.length === 0);
});

test('the password is changed, and a token revoked', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  fixture.state.tokens = tokens(Date.now());
  const count = fixture.state.tokens.length;
  await page.goto('/dashboard/settings');
  await page.getByRole('button', { name: 'Change password' }).waitFor();
  await tabTo(page, 'button', 'Change password');
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Current password').and(page.locator(':focus')).waitFor();
  await page.keyboard.type('the right one');
  await tabTo(page, 'textbox', 'New password');
  await page.keyboard.type('a much better one');
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  assert.deepEqual(fixture.posted.at(-1)?.body, { password: 'the right one', newPassword: 'a much better one' });

  await tabTo(page, 'button', 'Revoke laptop');
  await page.keyboard.press('Enter');
  await page.getByRole('alertdialog').waitFor();
  await tabTo(page, 'button', 'Revoke');
  await page.keyboard.press('Enter');
  await until(() => fixture.state.tokens.length === count - 1);
});
