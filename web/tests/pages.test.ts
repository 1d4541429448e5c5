/** The dashboard in a real Chromium, against the API in memory. */

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { createStage, missingBrowser, type Stage } from './fixture/browser.ts';
import { fullCredentials, fullRuns, runEvents, session, signInEvents, tokens } from './fixture/data.ts';
import type { Fixture } from './fixture/server.ts';
import { until } from './fixture/until.ts';

const options = { skip: missingBrowser, timeout: 120_000 };
const connections = '/dashboard/remote-cli';
const sessionId = 'ses_currentxxxxxxxxxxxxx';
const signInPath = `${connections}/auth?sessionId=${sessionId}`;
let stage: Stage;

before(async () => {
  if (!missingBrowser) stage = await createStage();
});
after(() => stage?.close());

/** The fixture's sign-in with everything that happened up to this second. */
function arrangeSignIn({ state, sessionEvents }: Fixture, seconds: number, leftMs = 200_000): void {
  const nowMs = Date.now();
  const createdAtMs = nowMs - seconds * 1000;
  state.sessions = [session(createdAtMs, { expiresAtMs: nowMs + leftMs })];
  for (const [at, event] of signInEvents) if (at <= seconds) sessionEvents.add(event, createdAtMs + at * 1000);
}

const live = (page: Page) => page.locator('[data-testid=viewer-state][data-state=live]').waitFor();
const stepIs = (page: Page, name: string, state: string) =>
  page.locator(`[data-testid=step-${name}][data-state=${state}]`).waitFor({ state: 'attached' });

test('set-up asks for name and password, and lands on Connections', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  Object.assign(fixture.state, { setupNeeded: true, me: null });
  await page.goto('/setup#token=one-time');
  assert.equal(await page.getByRole('textbox').count(), 2);
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

test('Connect shows the desktop; the command is typed; success is said and leads on', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await page.goto(connections);
  await page.getByTestId('connect-claude_code').click();
  await page.waitForURL(`**${signInPath}`);
  for (const [, event] of signInEvents.slice(0, 5)) fixture.sessionEvents.add(event);
  await live(page);
  await stepIs(page, 'machine', 'done');
  await page.getByRole('button', { name: 'Type it for me' }).click();
  await stepIs(page, 'command', 'active');
  while (fixture.rfb.keys.at(-1) !== 'Enter') await page.waitForTimeout(20);
  assert.equal(fixture.rfb.keys.slice(0, -1).join(''), 'claude auth login');

  const focused = await page.evaluate(() => document.activeElement?.tagName);
  assert.equal(focused, 'CANVAS');
  await page.keyboard.type('Yes');
  while (fixture.rfb.keys.at(-1) !== 's') await page.waitForTimeout(20);

  for (const [, event] of signInEvents.slice(5, 12)) fixture.sessionEvents.add(event);
  await stepIs(page, 'proof', 'active');
  fixture.state.credentials = fullCredentials(Date.now());
  Object.assign(fixture.state.sessions[0] ?? {}, {
    state: 'connected',
    endedAtMs: Date.now(),
    credentialId: 'crd_claudexxxxxxxxxxxxxx',
  });
  fixture.endViewers('Successfully connected.');
  for (const [, event] of signInEvents.slice(12)) fixture.sessionEvents.add(event);
  fixture.sessionEvents.end();
  await page.getByRole('heading', { name: 'Successfully connected' }).waitFor();
  await page.getByText('ada@example.org').waitFor();
  await stepIs(page, 'destroyed', 'done');
  await page.getByRole('link', { name: 'Run a prompt' }).click();
  await page.getByLabel('Prompt', { exact: true }).waitFor();
});

test('the remote desktop takes the size of its place, and follows it', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  arrangeSignIn(fixture, 2);
  await page.goto(signInPath);
  await live(page);
  const place = await page.getByTestId('viewer').boundingBox();
  assert.ok(place);
  const even = (value: number) => Math.floor(value / 2) * 2;
  while (fixture.rfb.size.width !== even(place.width)) await page.waitForTimeout(20);
  assert.equal(fixture.rfb.size.height, even(place.height));
  await page.setViewportSize({ width: 1500, height: 900 });
  while (fixture.rfb.size.width <= even(place.width)) await page.waitForTimeout(20);
});

test('a desktop without its terminal is not shown yet: its stages are', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  arrangeSignIn(fixture, 0.5);
  await page.goto(signInPath);
  await live(page);
  await page.getByText('Screen on').waitFor();
  fixture.sessionEvents.add({ type: 'state', state: 'ready', reason: null });
  await page.getByText('Screen on').waitFor({ state: 'detached' });
});

test('a cut connection comes back by itself, with a new ticket', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  arrangeSignIn(fixture, 2);
  await page.goto(signInPath);
  await live(page);
  fixture.cutViewers();
  await page.locator('[data-testid=viewer-state][data-state=reconnecting]').waitFor();
  await live(page);
  assert.deepEqual(fixture.tickets, ['t1', 't2']);
});

test('the way to the desktop and back is measured', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  arrangeSignIn(fixture, 2);
  await page.goto(signInPath);
  await page
    .getByTestId('viewer-state')
    .getByText(/^\d+ ms$/)
    .waitFor();
});

test('Ctrl Alt Shift gives the keyboard back to the page, and no key stays pressed', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  arrangeSignIn(fixture, 2);
  await page.goto(signInPath);
  await live(page);
  await page.locator('[data-testid=viewer] canvas').first().click();
  for (const key of ['Control', 'Alt', 'Shift']) await page.keyboard.down(key);
  for (const key of ['Control', 'Alt', 'Shift']) await page.keyboard.up(key);
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('aria-label')), 'Full screen');
});

test('keys, held modifiers and the clipboard go through', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  arrangeSignIn(fixture, 2);
  await page.goto(signInPath);
  await live(page);
  await page.getByRole('button', { name: 'Keys', exact: true }).click();
  await page.getByRole('button', { name: 'Ctrl' }).click();
  await page.getByRole('button', { name: 'Tab', exact: true }).click();
  await page.locator('button[aria-pressed=false]', { hasText: 'Ctrl' }).waitFor();
  assert.deepEqual(fixture.rfb.keys, ['Control', 'Tab']);
  await page.getByRole('button', { name: 'Ctrl' }).click();
  await page.locator('[data-testid=viewer] canvas').first().click();
  await page.keyboard.press('c');
  await page.locator('button[aria-pressed=false]', { hasText: 'Ctrl' }).waitFor();
  assert.deepEqual(fixture.rfb.keys.slice(2), ['Control', 'c']);

  await page.getByRole('button', { name: 'Clipboard' }).click();
  await page.getByLabel('To the desktop').fill('from here');
  await page.getByRole('button', { name: 'Send' }).click();
  while (!fixture.rfb.clipboard.includes('from here')) await page.waitForTimeout(20);
  fixture.desktop()?.copy('from there');
  await page.getByText('from there').waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'from there');
});

test('keys for pasting reach the desktop together, however soon they were let go of', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  arrangeSignIn(fixture, 2);
  await page.goto(signInPath);
  await live(page);
  await page.locator('[data-testid=viewer] canvas').first().click();
  await page.evaluate(() => navigator.clipboard.writeText('copied here'));
  await page.keyboard.press('Control+v');
  await until(() => fixture.rfb.chords.includes('Control+v'));
  assert.equal(fixture.rfb.clipboard.at(-1), 'copied here');
  await page.keyboard.press('Control+Shift+V');
  await until(() => fixture.rfb.chords.includes('Control+Shift+V'));
  await until(() => fixture.rfb.held.size === 0);
});

test('full screen and back, and two fingers zoom the picture without resizing the desktop', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  arrangeSignIn(fixture, 2);
  await page.goto(signInPath);
  await live(page);
  await page.getByRole('button', { name: 'Full screen' }).click();
  await page.locator('[data-full-screen]').waitFor();
  await page.getByRole('button', { name: 'Leave full screen' }).click();
  await page.locator('[data-full-screen]').waitFor({ state: 'detached' });

  const size = { ...fixture.rfb.size };
  // As noVNC tells them from touches.
  await page.evaluate(() => {
    const canvas = document.querySelector('[data-testid=viewer] canvas');
    const pinch = (type: string, spread: number) =>
      canvas?.dispatchEvent(
        new CustomEvent(type, {
          detail: { type: 'pinch', clientX: 300, clientY: 300, magnitudeX: spread, magnitudeY: 0 },
        }),
      );
    pinch('gesturestart', 100);
    pinch('gesturemove', 200);
    pinch('gestureend', 200);
  });
  const frame = await page.locator('.viewer-frame').boundingBox();
  const stageBox = await page.locator('.viewer-stage').boundingBox();
  assert.equal(Math.round((stageBox?.width ?? 0) / (frame?.width ?? 1)), 2);
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.getByRole('button', { name: 'Show all' }).waitFor({ state: 'detached' });
  assert.deepEqual(fixture.rfb.size, size);
});

test('the last minute is announced, and more time is one click away', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  arrangeSignIn(fixture, 2, 50_000);
  await page.goto(signInPath);
  await page.getByRole('alert').filter({ hasText: 'Less than a minute left' }).waitFor();
  await page.getByRole('button', { name: 'Extend' }).click();
  await page.getByText(/^5:\d\d$/).waitFor();
});

test('who does nothing is asked whether they are there, and one click says so', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  arrangeSignIn(fixture, 2);
  await page.goto(signInPath);
  await page.getByText(/^3:\d\d$/).waitFor();
  fixture.sessionEvents.add({ type: 'idle', expiresAtMs: Date.now() + 50_000 });
  await page.getByRole('alert').filter({ hasText: 'Still there?' }).waitFor();
  await page.getByText(/^0:\d\d$/).waitFor();
  fixture.sessionEvents.add({ type: 'active' });
  await page.getByText(/^3:\d\d$/).waitFor();
  // Also when no more time can be added.
  Object.assign(fixture.state.sessions[0] ?? {}, { hardExpiresAtMs: fixture.state.sessions[0]?.expiresAtMs });
  await page.reload();
  fixture.sessionEvents.add({ type: 'idle', expiresAtMs: Date.now() + 50_000 });
  await page.getByText(/^0:\d\d$/).waitFor();
  await page.getByRole('button', { name: 'Extend' }).click();
  await page.getByText(/^[23]:\d\d$/).waitFor();
});

test('a failure names the step, says why, and can be tried again', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  arrangeSignIn(fixture, 40);
  await page.goto(signInPath);
  await live(page);
  const reason = { code: 'proof_failed', message: 'This plan does not include the tool.', hint: 'Check it.' } as const;
  Object.assign(fixture.state.sessions[0] ?? {}, { state: 'failed', endedAtMs: Date.now(), reason });
  fixture.sessionEvents.add({ type: 'state', state: 'failed', reason });
  fixture.sessionEvents.end();
  await page.getByText('This plan does not include the tool.').first().waitFor();
  await stepIs(page, 'proof', 'failed');
  await page.getByRole('button', { name: 'Try again' }).click();
  while (!fixture.posted.some(({ path }) => path === '/api/auth/start')) await page.waitForTimeout(20);
});

test('a sign-in can be cancelled', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  arrangeSignIn(fixture, 2);
  await page.goto(signInPath);
  await live(page);
  await page.getByRole('button', { name: 'Cancel the sign-in' }).click();
  await page.getByRole('heading', { name: 'Sign-in cancelled' }).waitFor();
});

test('an API key is entered once and never shown', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await page.goto(connections);
  await page.getByTestId('api-key-google_gemini').click();
  await page.getByRole('dialog').getByLabel('API key').fill('AIzaPlanted');
  await page.getByRole('dialog').getByRole('button', { name: 'Connect' }).click();
  await page.locator('[data-testid=card-google_gemini][data-state=connected]').waitFor();
  assert.deepEqual(fixture.posted.at(-1)?.body, { provider: 'google_gemini', apiKey: 'AIzaPlanted' });
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
  arrangeSignIn(fixture, 20);
  await page.goto(connections);
  await page.locator('[data-testid=card-claude_code][data-state=signing_in]').waitFor();
  Object.assign(fixture.state.sessions[0] ?? {}, { state: 'connected', endedAtMs: Date.now() });
  fixture.state.credentials = fullCredentials(Date.now());
  fixture.sessionEvents.add({ type: 'state', state: 'connected', reason: null });
  fixture.sessionEvents.end();
  await page.locator('[data-testid=card-claude_code][data-state=connected]').waitFor();
});

test('an answer streams in as Markdown, through a cut connection, to its end', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  fixture.state.credentials = fullCredentials(Date.now());
  await page.goto('/dashboard/runs');
  await page.getByLabel('Prompt', { exact: true }).fill('What is a proxy?');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('button', { name: 'Stop' }).waitFor();
  const id = fixture.state.runs[0]?.id ?? '';
  const stream = fixture.runEvents(id);
  const events = runEvents('A **bold** answer');
  for (const event of events.slice(0, 6)) stream.add(event);
  await page.getByTestId('answer').locator('strong', { hasText: 'bold' }).waitFor();
  stream.cut();
  stream.add({ type: 'event', event: { type: 'text', text: ' goes on' } });
  await page.getByText('answer goes on').waitFor();
  for (const event of events.slice(6)) stream.add(event);
  Object.assign(fixture.state.runs[0] ?? {}, {
    state: 'succeeded',
    endedAtMs: Date.now(),
    answer: 'A **bold** answer goes on',
  });
  stream.end();
  await page.getByText(/1,204 tokens in, 389 out/).waitFor();
  await page.getByText('Read', { exact: true }).waitFor();
  assert.equal(await page.getByText('bold answer goes on').count(), 1);
});

test('a run can be stopped, and a failed one retried', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  fixture.state.credentials = fullCredentials(Date.now());
  fixture.state.runs = fullRuns(Date.now());
  fixture.runEvents('run_failedxxxxxxxxxxxxxx').end();
  await page.goto('/dashboard/runs/run_failedxxxxxxxxxxxxxx');
  await page.getByText('5-hour limit is reached').waitFor();
  await page.getByRole('button', { name: 'Retry' }).click();
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByText('Stopped.').waitFor();
  assert.deepEqual(fixture.posted[0]?.body, {
    provider: 'claude_code',
    credentialId: 'crd_claudexxxxxxxxxxxxxx',
    prompt: 'Summarise the last ten commits for a changelog',
  });
});

test('an answer can bring in neither script nor picture from elsewhere', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  const evil =
    '<img src=x onerror=alert(1)> ![seen](https://example.org/pixel.png) [go](javascript:alert(1)) <script>1</script>';
  fixture.state.credentials = fullCredentials(Date.now());
  fixture.state.runs = fullRuns(Date.now());
  Object.assign(fixture.state.runs[0] ?? {}, { answer: evil });
  for (const event of runEvents(evil)) fixture.runEvents('run_donexxxxxxxxxxxxxxxx').add(event);
  fixture.runEvents('run_donexxxxxxxxxxxxxxxx').end();
  await page.goto('/dashboard/runs/run_donexxxxxxxxxxxxxxxx');
  const answer = page.getByTestId('answer');
  await answer.getByRole('link', { name: 'seen' }).waitFor();
  assert.equal(await answer.locator('img, script').count(), 0);
  assert.equal(await answer.locator('a[href^=javascript]').count(), 0);
});

test('history is searched', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  fixture.state.credentials = fullCredentials(Date.now());
  fixture.state.runs = fullRuns(Date.now());
  await page.goto('/dashboard/runs');
  const items = page.getByRole('navigation', { name: 'Runs' }).getByRole('listitem');
  await items.first().waitFor();
  await page.getByPlaceholder('Search').fill('haiku gemini');
  assert.equal(await items.count(), 1);
  await page.getByPlaceholder('Search').fill('nothing like it');
  await page.getByText('Nothing here mentions').waitFor();
});

test('a token is shown once and can be revoked', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  fixture.state.tokens = tokens(Date.now());
  await page.goto('/dashboard/settings');
  await page.getByLabel('Name of the new token').fill('ci');
  await page.getByRole('button', { name: 'Create token' }).click();
  await page.getByText(/^pdv_/).waitFor();
  await page.getByRole('button', { name: 'I have it' }).click();
  assert.equal(await page.getByText(/^pdv_/).count(), 0);
  await page.getByRole('button', { name: 'Revoke laptop' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('button', { name: 'Revoke laptop' }).waitFor({ state: 'detached' });
});

test('the dashboard notices when Polydev is away, and when it is back', options, async (t) => {
  const { page } = await stage.open(t);
  await page.goto(connections);
  await page.getByText('Online').waitFor();
  await page.route('**/api/**', (route) => route.abort());
  await page.route('**/health', (route) => route.abort());
  await page.getByTestId('connect-claude_code').click();
  await page.getByText('No connection, trying again').waitFor();
  await page.unrouteAll();
  await page.getByText('Online').waitFor();
});

test('on a phone the pages fit, and what is pressed is large enough', options, async (t) => {
  const { page, fixture } = await stage.open(t, { width: 390, height: 844, touch: true });
  fixture.state.credentials = fullCredentials(Date.now());
  fixture.state.runs = fullRuns(Date.now());
  arrangeSignIn(fixture, 20);
  for (const path of [connections, signInPath, '/dashboard/runs', '/dashboard/sessions', '/dashboard/settings']) {
    await page.goto(path);
    await page.getByRole('heading').nth(0).waitFor();
    await page.locator('main button:visible, main a:visible').first().waitFor();
    const { wide, small } = await page.evaluate(() => ({
      wide: document.documentElement.scrollWidth,
      small: [...document.querySelectorAll('button, nav a, input, summary')]
        .filter((element) => element.getClientRects().length > 0 && !element.closest('.sr-only'))
        .map((element) => ({ box: element.getBoundingClientRect(), text: element.textContent ?? '' }))
        .filter(({ box }) => box.height < 39.5 || box.width < 39.5)
        .map(({ text }) => text),
    }));
    assert.ok(wide <= 390, `${path} is ${wide} px wide`);
    assert.deepEqual(small, [], path);
  }
});

test('everything is reached by keyboard: skip link, cards, menus, dialogs', options, async (t) => {
  const { page } = await stage.open(t);
  await page.goto(connections);
  await page.getByTestId('connect-claude_code').waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Skip to content');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('aria-label')), 'More for Claude Code');
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Use an API key' }).waitFor();
  const focused = (name: string) => page.locator('[role=menuitem]:focus', { hasText: name }).waitFor();
  await focused('History');
  await page.keyboard.press('ArrowDown');
  await focused('Sign in');
  await page.keyboard.press('ArrowDown');
  await focused('Use an API key');
  await page.keyboard.press('Enter');
  await page.locator('[role=dialog] input:focus').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
});

test('the first load is at most 200 KB: no viewer, no Markdown in it', options, async (t) => {
  const { page } = await stage.open(t);
  const loaded: string[] = [];
  page.on('response', (response) => loaded.push(new URL(response.url()).pathname));
  await page.goto(connections);
  await page.getByTestId('connect-claude_code').waitFor();
  const assets = await readdir(join(stage.dist, 'assets'));
  let bytes = 0;
  for (const name of assets) {
    if (!loaded.includes(`/assets/${name}`) || !/\.(js|css)$/.test(name)) continue;
    assert.doesNotMatch(name, /sign-in-page|viewer|markdown|runs-page|palette/);
    bytes += gzipSync(await readFile(join(stage.dist, 'assets', name))).length;
  }
  assert.ok(bytes > 50_000 && bytes <= 200_000, `${bytes} bytes`);
  t.diagnostic(`${Math.round(bytes / 1000)} KB of script and style, gzipped`);
});
