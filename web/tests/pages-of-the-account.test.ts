/** Commands, shortcuts, sessions, settings and several accounts, in a real Chromium, mostly by keyboard. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createStage, missingBrowser, type Stage } from './fixture/browser.ts';
import { fullCredentials, fullRuns, pastSessions, severalCredentials } from './fixture/data.ts';
import { scenes, stageScene } from './fixture/scenes.ts';
import { until } from './fixture/until.ts';

const options = { skip: missingBrowser, timeout: 120_000 };
const connections = '/dashboard/remote-cli';
let stage: Stage;

before(async () => {
  if (!missingBrowser) stage = await createStage();
});
after(() => stage?.close());

test('the palette goes, connects and runs by keyboard alone', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  fixture.state.credentials = fullCredentials(Date.now()).slice(2);
  fixture.state.runs = fullRuns(Date.now());
  await page.goto(connections);
  await page.getByTestId('card-google_gemini').waitFor();
  const field = page.getByRole('combobox', { name: 'Command' });

  /** Pressed while the palette is on its way out, its key would call it back. */
  async function command(words: string, option?: string): Promise<void> {
    await page.keyboard.press('Control+k');
    await field.fill(words);
    if (option) await page.getByRole('option', { name: option }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  }

  await command('sessions');
  await page.getByRole('heading', { name: 'Sessions' }).waitFor();
  await command('haiku', 'Write a haiku');
  await page.waitForURL('**/dashboard/runs/run_stoppedxxxxxxxxxxxxx');
  await command('what is a proxy really');
  await until(() => fixture.posted.some(({ path }) => path === '/api/runs'));
  assert.deepEqual(fixture.posted.at(-1)?.body, {
    provider: 'google_gemini',
    credentialId: 'crd_geminixxxxxxxxxxxxxx',
    prompt: 'what is a proxy really',
  });

  await page.getByRole('button', { name: 'Stop' }).waitFor();
  await command('connect claude');
  await page.waitForURL('**/auth?sessionId=*');
});

test('the palette is closed by its key and by Escape, and the arrows go round', options, async (t) => {
  const { page } = await stage.open(t);
  await page.goto(connections);
  await page.getByTestId('connect-claude_code').waitFor();
  const chosen = page.locator('[role=option][aria-selected=true]');
  await page.keyboard.press('Control+k');
  const first = await chosen.textContent();
  await page.keyboard.press('ArrowUp');
  assert.equal(await chosen.textContent(), 'Keyboard shortcuts');
  await page.keyboard.press('ArrowDown');
  assert.equal(await chosen.textContent(), first);
  await page.keyboard.press('Control+k');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.keyboard.press('Control+k');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
});

test('? lists the shortcuts, except while one writes', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  fixture.state.credentials = fullCredentials(Date.now());
  await page.goto('/dashboard/runs');
  await page.getByLabel('Prompt', { exact: true }).fill('why');
  await page.keyboard.type('?');
  assert.equal(await page.getByLabel('Prompt', { exact: true }).inputValue(), 'why?');
  assert.equal(await page.getByRole('dialog').count(), 0);
  await page.goto('/dashboard/settings');
  await page.getByRole('heading', { name: 'API tokens' }).waitFor();
  await page.keyboard.type('?');
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
});

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
  const failed = scenes['sign-in-failed'];
  assert.ok(failed);
  await stageScene(failed, page, fixture);
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

test('a run that failed shows the logs of its machine; where nothing is kept, that is said', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  const failed = scenes['runs-failed-logs'];
  assert.ok(failed);
  await stageScene(failed, page, fixture);
  await page.getByText('Console of its machine').click();
  await page.getByText('polydev-agent ready').waitFor();
  fixture.state.logs = null;
  await page.reload();
  await page.getByText('Console of its machine').click();
  await page.getByText('Nothing is kept of it').waitFor();
});

test('name and password are changed; a wrong password is said', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await page.goto('/dashboard/settings');
  await page.getByRole('button', { name: 'Change name' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('Ada Lovelace');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Account of Ada Lovelace' }).waitFor();

  await page.getByRole('button', { name: 'Change password' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Present password').fill('wrong password');
  await dialog.getByLabel('New password').fill('a much better one');
  await page.keyboard.press('Enter');
  await dialog.getByText('The present password is wrong.').waitFor();
  await dialog.getByLabel('Present password').fill('the right one');
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  assert.deepEqual(fixture.posted.at(-1)?.body, { password: 'the right one', newPassword: 'a much better one' });
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

test('other browsers are signed out from here', options, async (t) => {
  const { page } = await stage.open(t);
  await page.goto('/dashboard/settings');
  await page.getByText('This browser', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Sign out Safari on iPhone' }).click();
  await page.getByText('Safari on iPhone', { exact: true }).waitFor({ state: 'detached' });
  assert.equal(await page.getByRole('button', { name: 'Sign out all others' }).count(), 0);
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
