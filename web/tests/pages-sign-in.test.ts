/** A sign-in from Connect to its end: steps, time, success, failure, cancelling. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { missingBrowser, setStage } from './fixture/browser.ts';
import { fullCredentials, signInEvents } from './fixture/data.ts';
import { connections, live, liveDesktop, signInPath } from './fixture/scenes/scene.ts';
import { stageScene } from './fixture/scenes.ts';
import { becomes, until } from './fixture/until.ts';

const options = { skip: missingBrowser, timeout: 120_000 };
const stage = setStage();

const stepIs = (page: Page, name: string, state: string) =>
  page.locator(`[data-testid=step-${name}][data-state=${state}]`).waitFor({ state: 'attached' });

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
  await until(() => fixture.viewers.rfb.keys.at(-1) === 'Enter');
  assert.equal(fixture.viewers.rfb.keys.slice(0, -1).join(''), 'claude auth login');

  await becomes(() => page.evaluate(() => document.activeElement?.tagName), 'CANVAS');
  await page.keyboard.type('Yes');
  await until(() => fixture.viewers.rfb.keys.at(-1) === 's');

  for (const [, event] of signInEvents.slice(5, 12)) fixture.sessionEvents.add(event);
  await stepIs(page, 'proof', 'active');
  fixture.state.credentials = fullCredentials(Date.now());
  Object.assign(fixture.state.sessions[0] ?? {}, {
    state: 'connected',
    endedAtMs: Date.now(),
    credentialId: 'crd_claudexxxxxxxxxxxxxx',
  });
  fixture.viewers.end('Successfully connected.');
  for (const [, event] of signInEvents.slice(12)) fixture.sessionEvents.add(event);
  fixture.sessionEvents.end();
  await page.getByRole('heading', { name: 'Successfully connected' }).waitFor();
  await page.getByText('ada@example.org').waitFor();
  await stepIs(page, 'destroyed', 'done');
  await page.getByRole('link', { name: 'Run a prompt' }).click();
  await page.getByLabel('Prompt', { exact: true }).waitFor();
});

test('a desktop without its terminal is not shown yet: its stages are', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await stageScene(liveDesktop(0.5), page, fixture);
  await page.getByText('Screen on').waitFor();
  fixture.sessionEvents.add({ type: 'state', state: 'ready', reason: null });
  await page.getByText('Screen on').waitFor({ state: 'detached' });
});

test('the last minute is announced, and more time is one click away', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await stageScene(liveDesktop(2, 50_000), page, fixture);
  await page.getByRole('alert').filter({ hasText: 'Less than a minute left' }).waitFor();
  await page.getByRole('button', { name: 'Extend' }).click();
  await page.getByText(/^[45]:\d\d$/).waitFor();
});

test('in full screen, too, the last minute is said, and more time is one click away', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await stageScene(liveDesktop(2, 50_000), page, fixture);
  await page.getByRole('button', { name: 'Full screen' }).click();
  const viewer = page.locator('[data-full-screen]');
  await viewer.getByText('Less than a minute left').waitFor();
  await viewer.getByText(/^0:\d\d$/).waitFor();
  await viewer.getByRole('button', { name: 'Extend' }).click();
  await viewer.getByText('Less than a minute left').waitFor({ state: 'detached' });
});

test('who does nothing is asked whether they are there, and one click says so', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await stageScene(liveDesktop(2, 239_000), page, fixture);
  await page.getByText(/^[23]:\d\d$/).waitFor();
  fixture.sessionEvents.add({ type: 'idle', expiresAtMs: Date.now() + 50_000 });
  await page.getByRole('alert').filter({ hasText: 'Still there?' }).waitFor();
  await page.getByText(/^0:\d\d$/).waitFor();
  fixture.sessionEvents.add({ type: 'active' });
  await page.getByText(/^[23]:\d\d$/).waitFor();
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
  await stageScene(liveDesktop(40), page, fixture);
  const reason = { code: 'proof_failed', message: 'This plan does not include the tool.', hint: 'Check it.' } as const;
  Object.assign(fixture.state.sessions[0] ?? {}, { state: 'failed', endedAtMs: Date.now(), reason });
  fixture.sessionEvents.add({ type: 'state', state: 'failed', reason });
  fixture.sessionEvents.end();
  await page.getByText('This plan does not include the tool.').first().waitFor();
  await stepIs(page, 'proof', 'failed');
  await page.getByRole('button', { name: 'Try again' }).click();
  await until(() => fixture.posted.some(({ path }) => path === '/api/auth/start'));
});

test('another way to sign in is chosen, shown and typed', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await stageScene(liveDesktop(), page, fixture);
  await page.getByRole('button', { name: 'Other ways to sign in' }).click();
  await page.getByRole('menuitemradio', { name: /Console account/ }).click();
  await page.getByText('claude auth login --console', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Type it for me' }).click();
  await until(() => fixture.viewers.rfb.keys.at(-1) === 'Enter');
  assert.equal(fixture.viewers.rfb.keys.slice(0, -1).join(''), 'claude auth login --console');
});

test('on a phone the desktop keeps its place from step to step', options, async (t) => {
  const { page, fixture } = await stage.open(t, { width: 390, height: 844, touch: true });
  await stageScene(liveDesktop(), page, fixture);
  const top = async () => (await page.getByTestId('viewer').boundingBox())?.y;
  await stepIs(page, 'command', 'active');
  const tops = [await top()];
  const rest = signInEvents.slice(signInEvents.findIndex(([, { type }]) => type === 'opened'));
  for (const [, event] of rest) {
    if (event.type === 'proof') break;
    fixture.sessionEvents.add(event);
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
    tops.push(await top());
  }
  await stepIs(page, 'proof', 'active');
  tops.push(await top());
  assert.deepEqual([...new Set(tops)], [tops[0]]);
});

test('a sign-in that cannot be cancelled says why', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await stageScene(liveDesktop(), page, fixture);
  fixture.state.broken[`DELETE /api/auth/session/${fixture.state.sessions[0]?.id}`] = 'disk_full';
  await page.getByRole('button', { name: 'Cancel the sign-in' }).click();
  await page.getByText('Free some disk space').waitFor();
});

test('a sign-in can be cancelled', options, async (t) => {
  const { page, fixture } = await stage.open(t);
  await stageScene(liveDesktop(), page, fixture);
  await page.getByRole('button', { name: 'Cancel the sign-in' }).click();
  await page.getByRole('heading', { name: 'Sign-in cancelled' }).waitFor();
});

test('a sign-in can be cancelled on a phone, where the thumb is', options, async (t) => {
  const view = { width: 390, height: 844, touch: true };
  const { page, fixture } = await stage.open(t, view);
  await stageScene(liveDesktop(), page, fixture);
  const cancel = page.getByRole('button', { name: 'Cancel the sign-in' });
  const place = await cancel.boundingBox();
  assert.ok(place && place.y > view.height / 2, `at ${place?.y}`);
  await cancel.tap();
  await page.getByRole('heading', { name: 'Sign-in cancelled' }).waitFor();
});
