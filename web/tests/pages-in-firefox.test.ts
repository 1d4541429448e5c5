/** The same dashboard in a real Firefox, by keyboard alone: set-up, login, Connections, a sign-in with its picture, Runs, Settings. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { KeyInput, Page } from 'puppeteer-core';
import { fullCredentials, fullRuns, pastSessions, runEvents, signInEvents, tokens } from './fixture/data.ts';
import { createFirefoxStage, type FirefoxStage, missingFirefox } from './fixture/firefox.ts';
import { connections, signInPath } from './fixture/scenes/scene.ts';
import { becomes, until } from './fixture/until.ts';

const options = { skip: missingFirefox, timeout: 120_000 };
let stage: FirefoxStage;

before(async () => {
  if (!missingFirefox) stage = await createFirefoxStage();
});
after(() => stage?.close());

const says = (page: Page, text: string) => page.waitForSelector(`::-p-text(${text})`);
/** More than any page has places to stop at. */
const mostPresses = 80;

/** Tab after tab, or back by them, until what has the focus is called so. */
async function tabTo(page: Page, name: string, backwards = false): Promise<void> {
  for (let presses = 0; presses < mostPresses; presses += 1) {
    if (backwards) await chord(page, 'Shift', 'Tab');
    else await page.keyboard.press('Tab');
    if ((await page.evaluate(focused)) === name) return;
  }
  assert.fail(`No Tab leads to ${name}.`);
}

/** In the page: what is read out of what has the focus. */
function focused(): string {
  const element = document.activeElement;
  const label = element instanceof HTMLInputElement ? element.labels?.[0]?.textContent : element?.textContent;
  return (element?.getAttribute('aria-label') ?? label ?? '').trim();
}

/** Set-up and login ask for the same. */
async function enterName(page: Page, password: string): Promise<void> {
  await page.waitForSelector('input[autocomplete=username]:focus');
  await page.keyboard.type('Ada');
  await tabTo(page, 'Password');
  await page.keyboard.type(password);
  await page.keyboard.press('Enter');
}

async function chord(page: Page, held: KeyInput, key: KeyInput): Promise<void> {
  await page.keyboard.down(held);
  await page.keyboard.press(key);
  await page.keyboard.up(held);
}

test('Firefox: set-up asks for name and password, and lands on Connections', options, async (t) => {
  const { page, fixture, url } = await stage.open(t, ({ state }) => {
    Object.assign(state, { setupNeeded: true, me: null });
  });
  await page.goto(`${url}/setup#token=one-time`);
  await enterName(page, 'a long enough one');
  await page.waitForSelector('[data-testid=card-claude_code][data-state=not_connected]');
  assert.deepEqual(fixture.posted[0]?.body, { setupToken: 'one-time', name: 'Ada', password: 'a long enough one' });
});

test('Firefox: who is not signed in comes to the login, and then to where they wanted to go', options, async (t) => {
  const { page, url } = await stage.open(t, ({ state }) => {
    state.me = null;
  });
  await page.goto(`${url}/dashboard/settings`);
  await enterName(page, 'wrong password');
  await says(page, 'Name or password is wrong.');
  await tabTo(page, 'Password');
  await chord(page, 'Control', 'a');
  await page.keyboard.type('the right password');
  await page.keyboard.press('Enter');
  await says(page, 'API tokens');
});

test('Firefox: Connect shows the live picture; keys reach the desktop; success is said', options, async (t) => {
  const { page, fixture, url } = await stage.open(t);
  await page.goto(`${url}${connections}`);
  await page.waitForSelector('[data-testid=connect-claude_code]');
  await tabTo(page, 'Connect Claude Code');
  await page.keyboard.press('Enter');
  for (const [, event] of signInEvents.slice(0, 5)) fixture.sessionEvents.add(event);
  await page.waitForSelector('[data-testid=viewer-state][data-state=live]');
  assert.ok(page.url().endsWith(signInPath), page.url());
  await until(async () => (await page.evaluate(paintedColours)) > 1);

  await tabTo(page, 'Extend');
  await page.keyboard.press('Enter');
  await until(() => fixture.posted.some(({ path }) => path.endsWith('/extend')));
  await page.waitForSelector('[data-testid=step-command][data-state=active]');
  await tabTo(page, 'Type it for me', true);
  await page.keyboard.press('Enter');
  await until(() => fixture.viewers.rfb.keys.at(-1) === 'Enter');
  assert.equal(fixture.viewers.rfb.keys.slice(0, -1).join(''), 'claude auth login');
  await page.waitForSelector('[data-testid=viewer] canvas:focus');
  await page.keyboard.type('Yes');
  await until(() => fixture.viewers.rfb.keys.at(-1) === 's');
  // The desktop has the keyboard, Tab included, until it is asked back.
  for (const key of ['Control', 'Alt', 'Shift'] as const) await page.keyboard.down(key);
  for (const key of ['Control', 'Alt', 'Shift'] as const) await page.keyboard.up(key);
  await until(async () => (await page.evaluate(focused)) === 'Full screen');

  for (const [, event] of signInEvents.slice(5, 12)) fixture.sessionEvents.add(event);
  await page.waitForSelector('[data-testid=step-proof][data-state=active]');
  fixture.state.credentials = fullCredentials(Date.now());
  const ended = { state: 'connected', endedAtMs: Date.now(), credentialId: 'crd_claudexxxxxxxxxxxxxx' };
  Object.assign(fixture.state.sessions[0] ?? {}, ended);
  fixture.viewers.end('Successfully connected.');
  for (const [, event] of signInEvents.slice(12)) fixture.sessionEvents.add(event);
  fixture.sessionEvents.end();
  await says(page, 'Successfully connected');
  await says(page, 'The desktop has been destroyed.');
});

test('Firefox: an answer streams in as Markdown', options, async (t) => {
  const { page, fixture, url } = await stage.open(t, ({ state }) => {
    state.credentials = fullCredentials(Date.now());
  });
  await page.goto(`${url}/dashboard/runs`);
  await page.waitForSelector('textarea[aria-label=Prompt]:focus');
  await page.keyboard.type('What is a proxy?');
  await chord(page, 'Control', 'Enter');
  await page.waitForSelector('::-p-aria(Stop[role="button"])');
  const stream = fixture.runEvents(fixture.state.runs[0]?.id ?? '');
  for (const event of runEvents('A **bold** answer')) stream.add(event);
  Object.assign(fixture.state.runs[0] ?? {}, {
    state: 'succeeded',
    endedAtMs: Date.now(),
    answer: 'A **bold** answer',
  });
  stream.end();
  await page.waitForSelector('[data-testid=answer] strong');
  await says(page, '1,204 tokens in');
});

test('Firefox: the palette, the sessions and the settings work, in the dark, too', options, async (t) => {
  const { page, url } = await stage.open(t, ({ state }) => {
    const nowMs = Date.now();
    state.credentials = fullCredentials(nowMs);
    state.runs = fullRuns(nowMs);
    state.sessions = pastSessions(nowMs);
    state.tokens = tokens(nowMs);
  });
  await page.goto(`${url}${connections}`);
  await page.waitForSelector('[data-testid=card-claude_code][data-state=connected]');
  const open = async (words: string) => {
    await chord(page, 'Control', 'k');
    await page.waitForSelector('input[role=combobox]:focus');
    await page.keyboard.type(words);
    await page.waitForSelector('[role=option]');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[role=dialog]', { hidden: true });
  };
  await open('sessions');
  await says(page, 'Ran out of time');
  await open('dark');
  await becomes(() => page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), 'dark');
  await open('settings');
  await says(page, 'nightly build');
  await says(page, 'Safari on iPhone');
  await page.reload();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
});

/** In the page: how many colours the desktop's picture has at a few places. */
function paintedColours(): number {
  const canvas = document.querySelector<HTMLCanvasElement>('[data-testid=viewer] canvas');
  const pixels =
    canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? new Uint8ClampedArray();
  const seen = new Set<string>();
  for (let at = 0; at + 2 < pixels.length; at += 4 * 97) seen.add(`${pixels[at]} ${pixels[at + 1]} ${pixels[at + 2]}`);
  return seen.size;
}
