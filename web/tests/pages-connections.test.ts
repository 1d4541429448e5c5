/** Connections: a tool's key, its accounts, and what its card says. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingBrowser, setStage } from './fixture/browser.ts';
import { fullCredentials, severalCredentials } from './fixture/data.ts';
import { arrange, connections, signInUpTo } from './fixture/scenes/scene.ts';

const options = { skip: missingBrowser, timeout: 120_000 };
const stage = setStage();

test('an API key is entered once and never shown', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await page.goto(connections);
  await page.getByTestId('api-key-google_gemini').click();
  await page.getByRole('dialog').getByLabel('API key').fill('AIzaPlanted');
  await page.getByRole('dialog').getByRole('button', { name: 'Connect' }).click();
  await page.locator('[data-testid=card-google_gemini][data-state=connected]').waitFor();
  assert.deepEqual(fixture.posted.at(-1)?.body, { provider: 'google_gemini', apiKey: 'AIzaPlanted' });
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.ok(!(await page.content()).includes('AIzaPlanted'));
});

test('disconnecting asks first', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  fixture.state.credentials = fullCredentials(Date.now());
  await page.goto(connections);
  await page.getByRole('button', { name: 'More for Claude Code' }).click();
  await page.getByRole('menuitem', { name: 'Disconnect' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Disconnect' }).click();
  await page.locator('[data-testid=card-claude_code][data-state=not_connected]').waitFor();
});

test('a card follows its sign-in without being asked to', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  arrange(fixture, signInUpTo(20));
  await page.goto(connections);
  await page.locator('[data-testid=card-claude_code][data-state=signing_in]').waitFor();
  Object.assign(fixture.state.sessions[0] ?? {}, { state: 'connected', endedAtMs: Date.now() });
  fixture.state.credentials = fullCredentials(Date.now());
  for (const list of ['sessions', 'credentials'] as const) fixture.changes.add({ list });
  await page.locator('[data-testid=card-claude_code][data-state=connected]').waitFor();
});

test('who goes elsewhere while no desktop is free gives up waiting, and stays there', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  fixture.state.broken['POST /api/auth/start'] = 'hang';
  await page.goto(connections);
  await page.getByTestId('connect-claude_code').click();
  await page.getByText('Waiting for a desktop').waitFor();
  const givenUp = page.waitForEvent('requestfailed', (request) => request.url().endsWith('/api/auth/start'));
  await page.getByRole('link', { name: 'Runs' }).first().click();
  await givenUp;
  assert.match(page.url(), /\/dashboard\/runs$/);
});

test('another account is connected under its own name, and an account is renamed', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  fixture.state.credentials = severalCredentials(Date.now());
  await page.goto(connections);
  await page.getByTestId('account-crd_workxxxxxxxxxxxxxxxx').waitFor();
  const more = page.getByRole('button', { name: 'More for Claude Code' });
  await more.click();
  await page.getByRole('menuitem', { name: 'Rename' }).nth(1).click();
  await page.getByRole('dialog').getByLabel('Name of the account').fill('company');
  await page.keyboard.press('Enter');
  await page.getByTestId('account-crd_workxxxxxxxxxxxxxxxx').getByText('company').waitFor();

  await more.click();
  await page.getByRole('menuitem', { name: 'Connect another account' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name of the account').fill('company');
  await dialog.getByText('An account has this name already.').waitFor();
  await dialog.getByLabel('Name of the account').fill('private');
  await dialog.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL('**/auth?sessionId=*');
  assert.deepEqual(fixture.posted.find(({ path }) => path === '/api/auth/start')?.body, {
    provider: 'claude_code',
    label: 'private',
    newAccount: true,
  });
});
