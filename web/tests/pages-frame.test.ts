/** What stands around every page: commands, the keyboard, a phone, a Polydev that is away, the first load. */

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { missingBrowser, setStage } from './fixture/browser.ts';
import { fullCredentials, fullRuns } from './fixture/data.ts';
import { frameScenes } from './fixture/scenes/frame.ts';
import { arrange, connections, signInPath, signInUpTo } from './fixture/scenes/scene.ts';
import { scenes, stageScene } from './fixture/scenes.ts';
import { becomes, until } from './fixture/until.ts';

const options = { skip: missingBrowser, timeout: 120_000 };
const stage = setStage();

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
  await becomes(() => chosen.textContent(), 'Keyboard shortcuts');
  await page.keyboard.press('ArrowDown');
  await becomes(() => chosen.textContent(), first);
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
  await becomes(() => page.getByLabel('Prompt', { exact: true }).inputValue(), 'why?');
  assert.equal(await page.getByRole('dialog').count(), 0);
  await page.goto('/dashboard/settings');
  await page.getByRole('heading', { name: 'API tokens' }).waitFor();
  await page.keyboard.type('?');
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
});

test('everything is reached by keyboard: skip link, cards, menus, dialogs', options, async (t) => {
  const { page } = await stage.open(t);
  await page.goto(connections);
  await page.getByTestId('connect-claude_code').waitFor();
  await page.keyboard.press('Tab');
  await becomes(() => page.evaluate(() => document.activeElement?.textContent), 'Skip to content');
  await page.keyboard.press('Enter');
  await becomes(() => page.evaluate(() => document.activeElement?.id), 'content');
  await page.keyboard.press('Tab');
  await becomes(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label')), 'More for Claude Code');
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

test('on a phone the pages fit, and what is pressed is large enough', options, async (t) => {
  const { page, fixture } = await stage.open(t, { width: 390, height: 844, touch: true });
  fixture.state.credentials = fullCredentials(Date.now());
  fixture.state.runs = fullRuns(Date.now());
  arrange(fixture, signInUpTo(20));
  for (const path of [connections, signInPath, '/dashboard/runs', '/dashboard/sessions', '/dashboard/settings']) {
    await page.goto(path);
    await page.getByRole('heading').nth(0).waitFor();
    await page.locator('main button:visible, main a:visible').first().waitFor();
    await page.evaluate(() => document.fonts.ready.then(() => undefined));
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

test('the first load is at most 200 KB: no viewer, no Markdown in it', options, async (t) => {
  const { page } = await stage.open(t);
  const loaded: string[] = [];
  page.on('response', (response) => loaded.push(new URL(response.url()).pathname));
  await page.goto(connections);
  await page.getByTestId('connect-claude_code').waitFor();
  const dist = fileURLToPath(new URL('../dist', import.meta.url));
  const assets = await readdir(join(dist, 'assets'));
  let bytes = 0;
  for (const name of assets) {
    if (!loaded.includes(`/assets/${name}`) || !/\.(js|css)$/.test(name)) continue;
    assert.doesNotMatch(name, /sign-in-page|viewer|markdown|runs-page|palette/);
    bytes += gzipSync(await readFile(join(dist, 'assets', name))).length;
  }
  assert.ok(bytes > 50_000 && bytes <= 200_000, `${bytes} bytes`);
  t.diagnostic(`${Math.round(bytes / 1000)} KB of script and style, gzipped`);
});

const { mayReport } = frameScenes['frame-broken'];

test('a file that does not come makes the page load again', options, async (t) => {
  const { page, fixture } = await stage.open(t, { mayReport });
  fixture.state.credentials = fullCredentials(Date.now());
  const toMiss = [/\/assets\/index-.*\.css/, /\/assets\/index-.*\.js/, /\/assets\/runs-page-.*\.js/];
  const missed = new Set<RegExp>();
  await page.route('**/assets/**', (route) => {
    const miss = toMiss.find((name) => name.test(route.request().url()) && !missed.has(name));
    if (!miss) return route.continue();
    missed.add(miss);
    return route.abort('internetdisconnected');
  });

  await page.goto(connections, { waitUntil: 'commit' });
  await page.getByTestId('card-google_gemini').waitFor();
  await page.waitForFunction(() => getComputedStyle(document.body).fontFamily.includes('Inter'));
  await page.getByRole('link', { name: 'Runs' }).first().click();
  await page.getByRole('heading', { name: 'Runs' }).waitFor();
  assert.equal(missed.size, toMiss.length);
});

test('a file that never comes leaves a page that says so, and the way to try again', options, async (t) => {
  const { page } = await stage.open(t, { mayReport });
  await page.goto(connections);
  let loads = 0;
  page.on('domcontentloaded', () => {
    loads += 1;
  });
  let isGone = true;
  await page.route('**/assets/sessions-page-*.js', (route) => (isGone ? route.abort() : route.continue()));
  await page.getByRole('link', { name: 'Sessions' }).first().click();
  await until(() => loads === 4);
  await page.getByRole('heading', { name: 'This page could not be shown' }).waitFor();
  isGone = false;
  await page.getByRole('button', { name: 'Load it again' }).click();
  await page.getByRole('heading', { name: 'Sessions' }).waitFor();
});

for (const name of ['connections-signing-in', 'sign-in-starting', 'sessions-full', 'runs-answering'] as const)
  test(`${name}: while nothing happens nothing is asked for again`, options, async (t) => {
    // Of noVNC, whose seconds pass at once here.
    const { page, fixture } = await stage.open(t, { mayReport: /^Disconnection timed out/ });
    await page.clock.install();
    await stageScene(scenes[name], page, fixture);
    const asked: string[] = [];
    const followed: string[] = [];
    page.on('request', (request) => {
      const list = request.headers().accept === 'text/event-stream' ? followed : asked;
      list.push(`${request.method()} ${new URL(request.url()).pathname}`);
    });
    // What polls less often than each 40 seconds would be of no use to anybody.
    for (let look = 0; look < 6; look += 1) await page.clock.fastForward('00:20');
    await page.evaluate(() => fetch('/health'));
    assert.deepEqual(
      asked.filter((what, index) => asked.indexOf(what) !== index),
      [],
    );
    assert.ok(asked.includes('GET /health'));
    // What has been silent for 45 seconds is followed anew.
    for (const path of new Set(followed)) assert.ok(followed.filter((other) => other === path).length <= 3, path);
  });
