/** The dashboard's viewer on a real desktop: its size, the clipboard in both directions, windows that are closed. */

import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SessionId } from '@polydev/protocol';
import type { Locator, Page } from 'playwright-core';
import { type Dashboard, logIn, openDashboard } from './dashboard.ts';
import { createShell, type Shell } from './desktop-shell.ts';
import { killPart, untilBack } from './recovery-parts.ts';
import { openStage, type Stage } from './stage.ts';

const isRoot = process.getuid?.() === 0;
/** While it reads, what is pasted arrives as it is. */
const readWords = 'tell reading; read -r words; tell "$words"';
const backWithinMs = 120_000;
/** Letters that are no keys of a keyboard; and no command of theirs can be mistaken for them. */
const fromDashboard = 'Grüße aus der Seite, 世界';
const fromDesktop = 'Grüße vom Desktop, 桌面';

/** Tells the size of the screen when the terminal is as wide. */
const filled = [
  'screen() { xdotool getdisplaygeometry; }',
  'width() { xdotool getactivewindow getwindowgeometry --shell | sed -n s/^WIDTH=//p; }',
  'filled() { until [ "$(screen | cut -d" " -f1)" = "$(width)" ]; do sleep .1; done; tell "$(screen)"; }',
];

suite('the viewer', { skip: !isRoot && 'needs root', timeout: 30 * 60_000 }, () => {
  let stage: Stage;
  let dashboard: Dashboard;
  let sessionId: SessionId;
  let screen: Locator;
  let shell: Shell;

  before(async () => {
    stage = await openStage();
    dashboard = await openDashboard();
    const { page } = dashboard;
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await logIn(page, stage.product.url);
    ({ sessionId } = await stage.polydev.sessions.start({ provider: 'claude_code' }));
    await page.goto(`${stage.product.url}/dashboard/remote-cli/auth?sessionId=${sessionId}`);
    await page.locator('[data-testid=viewer-state][data-state=live]').waitFor();
    for (const part of ['terminal', 'browser'] as const) await stage.comesUp(sessionId, part);
    screen = page.getByTestId('viewer').locator('canvas');
    await screen.click();
    shell = createShell(stage, sessionId);
    for (const line of [...shell.lines, ...filled]) await enter(line);
    await shell.prompted();
  });
  after(async () => {
    await dashboard?.close();
    await stage.strike();
  });

  async function enter(line: string): Promise<void> {
    await dashboard.page.keyboard.type(line);
    await dashboard.page.keyboard.press('Enter');
  }

  /** As the page has it: pixels of the desktop, and of the place where it is shown. */
  const sizes = () =>
    screen.evaluate((canvas: HTMLCanvasElement) => {
      const place = canvas.closest('[data-testid=viewer]');
      return { desktop: [canvas.width, canvas.height], place: [place?.clientWidth ?? 0, place?.clientHeight ?? 0] };
    });

  const even = (value: number) => Math.floor(value / 2) * 2;

  test('the desktop and its maximised terminal take the size of the viewer, and a new one with the window', async () => {
    const { page } = dashboard;
    const widths = [];
    for (const window of [undefined, { width: 1280, height: 760 }]) {
      if (window) {
        const { desktop } = await sizes();
        await page.setViewportSize(window);
        await page.waitForFunction(
          ([width]) => document.querySelector<HTMLCanvasElement>('[data-testid=viewer] canvas')?.width !== width,
          desktop,
        );
      }
      // It may be another on its way to it.
      const lastMs = performance.now() + backWithinMs;
      let { desktop, place } = await sizes();
      while (desktop.join() !== place.map(even).join() && performance.now() < lastMs) {
        await sleep(100);
        ({ desktop, place } = await sizes());
      }
      assert.deepEqual(desktop, place.map(even));
      await enter('filled');
      await shell.told((words) => words === desktop.join(' '));
      widths.push(desktop[0]);
    }
    assert.notEqual(widths[0], widths[1]);
    await dashboard.shot('viewer-resized');
  });

  test('a second tab of another size shows the same desktop whole, and both can type', async () => {
    const first = dashboard.page;
    const second = await first.context().newPage();
    await second.setViewportSize({ width: 980, height: 640 });
    await second.goto(first.url());
    await second.locator('[data-testid=viewer-state][data-state=live]').waitFor();
    for (const [page, word] of [
      [second, 'second'],
      [first, 'first'],
    ] as const) {
      await page.bringToFront();
      const canvas = page.getByTestId('viewer').locator('canvas');
      await canvas.click();
      await page.keyboard.type(`tell ${word}`);
      await page.keyboard.press('Enter');
      await shell.told((words) => words === word);
      const [shown, place] = await Promise.all([canvas.boundingBox(), page.getByTestId('viewer').boundingBox()]);
      assert.ok(shown && place && shown.width <= place.width && shown.height <= place.height, word);
    }
    const sizeIn = (page: Page) =>
      page
        .getByTestId('viewer')
        .locator('canvas')
        .evaluate((canvas: HTMLCanvasElement) => [canvas.width, canvas.height]);
    assert.deepEqual(await sizeIn(first), await sizeIn(second));
    await second.close();
  });

  test('what was copied in the dashboard is pasted in the terminal', async () => {
    const { page } = dashboard;
    await enter(readWords);
    await shell.told((words) => words === 'reading');
    await page.evaluate((text) => navigator.clipboard.writeText(`${text}\n`), fromDashboard);
    await page.keyboard.press('Control+Shift+V');
    await shell.told((words) => words === fromDashboard);
  });

  test('what was sent by the panel is pasted in the terminal', async () => {
    const { page } = dashboard;
    await enter(readWords);
    await shell.told((words) => words === 'reading');
    await page.getByRole('button', { name: 'Clipboard' }).click();
    await page.getByRole('textbox', { name: 'To the desktop' }).fill(`${fromDashboard}!\n`);
    await page.getByRole('button', { name: 'Send' }).click();
    await page.keyboard.press('Control+Shift+V');
    await shell.told((words) => words === `${fromDashboard}!`);
    await page.getByRole('button', { name: 'Clipboard' }).click();
    await screen.click();
  });

  test('what was selected in the terminal is on the clipboard of the dashboard', async () => {
    const { page } = dashboard;
    const bytes = [...Buffer.from(fromDesktop)].map((byte) => `\\x${byte.toString(16)}`).join('');
    // The terminal answers where its cursor is when it has shown all that came before.
    await enter(`clear; yes $'${bytes}' | head -n 200; printf '\\e[6n'; read -rsd R _; tell shown`);
    await shell.told((words) => words === 'shown');
    const { width, height } = (await screen.boundingBox()) ?? assert.fail('There is no picture.');
    await screen.click({ position: { x: width * 0.05, y: height / 2 }, clickCount: 3 });
    await page.waitForFunction(async (text) => (await navigator.clipboard.readText()).trim() === text, fromDesktop);
    await dashboard.shot('viewer-selected');
  });

  test('a tab that is closed, and another opened at Connections, leads back to the desktop where it was left', async () => {
    const { page } = dashboard;
    await page.reload();
    await page.locator('[data-testid=viewer-state][data-state=live]').waitFor();
    const again = await page.context().newPage();
    await page.close();
    dashboard.page = again;
    await again.goto(`${stage.product.url}/dashboard/remote-cli`);
    await again.getByRole('link', { name: 'Return to desktop' }).click();
    await again.locator('[data-testid=viewer-state][data-state=live]').waitFor();
    screen = again.getByTestId('viewer').locator('canvas');
    await screen.click();
    await enter('tell again');
    await shell.told((words) => words === 'again');
  });

  test('controller or X server killed: the page connects again by itself, and one can type; the host service: it stays', async () => {
    const { page } = dashboard;
    const viewer = page.getByTestId('viewer-state');
    for (const part of ['controller', 'hostd', 'x-server'] as const) {
      // The host service is not on the way of the picture.
      const broken = part === 'hostd' ? undefined : viewer.and(page.locator(':not([data-state=live])')).waitFor();
      await killPart(stage, part, sessionId);
      await broken;
      await untilBack(stage, backWithinMs);
      if (part === 'hostd') assert.equal(await viewer.getAttribute('data-state'), 'live');
      await viewer.and(page.locator('[data-state=live]')).waitFor();
      if (part === 'x-server') await stage.comesUp(sessionId, 'terminal', 2);
      await screen.click();
      if (part === 'x-server') for (const line of shell.lines) await enter(line);
      await enter(`tell ${part}`);
      await shell.told((words) => words === part);
    }
    await dashboard.shot('viewer-after-kills');
  });

  test('terminal and browser that are closed by mistake come back', async () => {
    await stage.comesUp(sessionId, 'browser', 2);
    await enter('wmctrl -xc Navigator');
    await stage.comesUp(sessionId, 'browser', 3);
    await screen.click();
    await enter('wmctrl -xa xfce4-terminal; exit');
    await stage.comesUp(sessionId, 'terminal', 3);
    assert.equal((await stage.polydev.sessions.get(sessionId)).state, 'ready');
  });

  test('no page broke the content security policy', () => assert.deepEqual(dashboard.complaints, []));
});
