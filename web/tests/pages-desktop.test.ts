/** The desktop in the page: its size, its connection, keys, clipboard, full screen, zoom. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { missingBrowser, setStage } from './fixture/browser.ts';
import { currentId, live, liveDesktop } from './fixture/scenes/scene.ts';
import { stageScene } from './fixture/scenes.ts';
import type { Fixture } from './fixture/server.ts';
import { becomes, until } from './fixture/until.ts';

const options = { skip: missingBrowser, timeout: 120_000 };
const stage = setStage();

/** Resolves when the remote desktop is as large as its place. */
async function fills(page: Page, { viewers }: Fixture): Promise<void> {
  const even = (value: number) => Math.floor(value / 2) * 2;
  await until(async () => {
    const place = await page.getByTestId('viewer').boundingBox();
    const { width, height } = viewers.rfb.size;
    return place !== null && width === even(place.width) && height === even(place.height);
  });
}

test('the remote desktop takes the size of its place, and follows it', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await stageScene(liveDesktop(), page, fixture);
  await fills(page, fixture);
  const before = fixture.viewers.rfb.size.width;
  await page.setViewportSize({ width: 1500, height: 900 });
  await until(() => fixture.viewers.rfb.size.width > before);
  await fills(page, fixture);
});

test('a cut connection comes back by itself, with a new ticket', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await stageScene(liveDesktop(), page, fixture);
  // Not before it was seen to be cut.
  const ticket = `POST /api/auth/session/${currentId}/ticket`;
  fixture.state.broken[ticket] = 'internal';
  fixture.viewers.cut();
  await page.locator('[data-testid=viewer-state][data-state=reconnecting]').waitFor();
  delete fixture.state.broken[ticket];
  await live(page);
  assert.deepEqual(fixture.viewers.tickets, ['t1', 't2']);
});

test('the way to the desktop and back is measured', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await stageScene(liveDesktop(), page, fixture);
  await page
    .getByTestId('viewer-state')
    .getByText(/^\d+ ms$/)
    .waitFor();
});

test('Ctrl Alt Shift gives the keyboard back to the page, and no key stays pressed', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await stageScene(liveDesktop(), page, fixture);
  await page.locator('[data-testid=viewer] canvas').first().click();
  for (const key of ['Control', 'Alt', 'Shift']) await page.keyboard.down(key);
  for (const key of ['Control', 'Alt', 'Shift']) await page.keyboard.up(key);
  await becomes(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label')), 'Full screen');
});

test('keys, held modifiers and the clipboard go through', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await stageScene(liveDesktop(), page, fixture);
  await page.getByRole('button', { name: 'Keys', exact: true }).click();
  await page.getByRole('button', { name: 'Ctrl' }).click();
  await page.getByRole('button', { name: 'Tab', exact: true }).click();
  await page.locator('button[aria-pressed=false]', { hasText: 'Ctrl' }).waitFor();
  await becomes(() => fixture.viewers.rfb.keys, ['Control', 'Tab']);
  await page.getByRole('button', { name: 'Ctrl' }).click();
  await page.locator('[data-testid=viewer] canvas').first().click();
  await page.keyboard.press('c');
  await page.locator('button[aria-pressed=false]', { hasText: 'Ctrl' }).waitFor();
  await becomes(() => fixture.viewers.rfb.keys.slice(2), ['Control', 'c']);

  await page.getByRole('button', { name: 'Clipboard' }).click();
  await page.getByLabel('To the desktop').fill('from here');
  await page.getByRole('button', { name: 'Send' }).click();
  await until(() => fixture.viewers.rfb.clipboard.includes('from here'));
  fixture.viewers.desktop()?.copy('from there');
  await page.getByText('from there').waitFor();
  await becomes(() => page.evaluate(() => navigator.clipboard.readText()), 'from there');
});

test('keys for pasting reach the desktop together, however soon they were let go of', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await stageScene(liveDesktop(), page, fixture);
  await page.locator('[data-testid=viewer] canvas').first().click();
  await page.evaluate(() => navigator.clipboard.writeText('copied here'));
  await page.keyboard.press('Control+v');
  await until(() => fixture.viewers.rfb.chords.includes('Control+v'));
  assert.equal(fixture.viewers.rfb.clipboard.at(-1), 'copied here');
  await page.keyboard.press('Control+Shift+V');
  await until(() => fixture.viewers.rfb.chords.includes('Control+Shift+V'));
  await until(() => fixture.viewers.rfb.held.size === 0);
});

test('full screen and back, and two fingers zoom the picture without resizing the desktop', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await stageScene(liveDesktop(), page, fixture);
  await page.getByRole('button', { name: 'Full screen' }).click();
  await page.locator('[data-full-screen]').waitFor();
  await page.getByRole('button', { name: 'Leave full screen' }).click();
  await page.locator('[data-full-screen]').waitFor({ state: 'detached' });
  await fills(page, fixture);

  const size = { ...fixture.viewers.rfb.size };
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
  const width = async (of: string) => (await page.locator(of).boundingBox())?.width ?? 0;
  await becomes(async () => Math.round((await width('.viewer-stage')) / (await width('.viewer-frame'))), 2);
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.getByRole('button', { name: 'Show all' }).waitFor({ state: 'detached' });
  await becomes(() => fixture.viewers.rfb.size, size);
});
