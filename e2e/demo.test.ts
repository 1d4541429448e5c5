/** A stranger without any account: starts the demo, connects the tools, gets answers, sees a failure. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ProviderId, SessionEvent } from '@polydev/protocol';
import { createPolydev } from '@polydev/sdk';
import type { Page } from 'playwright-core';
import type { Page as FirefoxPage } from 'puppeteer-core';
import { createWebSocketStream, WebSocket } from 'ws';
import { projectRoot } from '../setup/paths.ts';
import { fillInOwner, logIn, openDashboard } from './dashboard.ts';
import { enter } from './desktop-sign-in.ts';
import { openFirefox } from './firefox.ts';
import { findLeftovers } from './leftovers.ts';
import { owner } from './owner.ts';
import { pressUntil } from './press-until.ts';
import { type Product, startDemo } from './product.ts';
import { openKeyboard } from './rfb-keys.ts';
import { startPrompt } from './sign-in.ts';
import { createSteps } from './step.ts';

const isRoot = process.getuid?.() === 0;
const pages = ['remote-cli', 'runs', 'sessions', 'settings', 'nowhere'];
/** A run whose tool tries again a few times before it gives up. */
const failureMs = 120_000;

test('try it without an account', { skip: !isRoot && 'needs root', timeout: 30 * 60_000 }, async (t) => {
  // Of a real one beside it: what the demo would not start with, did it take it.
  const ofAnother = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none', POLYDEV_MASTER_KEY: 'of another one' };
  let product = await startDemo(undefined, ofAnother);
  const dashboard = await openDashboard();
  const { page } = dashboard;
  t.after(async () => {
    await dashboard.close();
    await product.stop();
    product.remove();
  });
  const open = (path: string) => page.goto(`${product.url}${path}`);
  const step = createSteps(t, () => dashboard.shot('demo-failure'));

  await step('set-up says that it is a demo', async () => {
    await page.goto(product.setupUrl);
    await seeBanner(page);
    await fillInOwner(page);
    await dashboard.shot('demo-set-up');
    await page.getByRole('button', { name: 'Create account' }).click();
    await page.waitForURL(/\/dashboard\/remote-cli$/);
  });

  await step('every page has the banner', async () => {
    for (const name of pages) {
      await open(`/dashboard/${name}`);
      await seeBanner(page);
      await page.locator('main .animate-breathe').first().waitFor({ state: 'detached' });
      await dashboard.shot(`demo-${name}`);
    }
  });

  await step('Claude Code is connected by two clicks and an approval', async () => {
    await open('/dashboard/remote-cli');
    await page.getByTestId('card-claude_code').getByRole('button', { name: 'Connect' }).click();
    await page.getByRole('button', { name: 'Type it for me' }).click();
    await page.locator('[data-testid=step-page][data-state=done]').waitFor();
    await seeBanner(page);
    await page
      .getByTestId('viewer')
      .locator('canvas')
      .click({ position: { x: 5, y: 5 } });
    await dashboard.shot('demo-consent');
    const failed = page.getByRole('heading', { name: 'The sign-in failed' });
    const ended = page.getByText('Successfully connected').or(failed);
    await pressUntil(ended.waitFor(), () => page.keyboard.press('Enter'));
    assert.equal(await failed.count(), 0, await page.getByRole('main').innerText());
    await dashboard.shot('demo-connected');
  });

  await step('the same in Firefox: Codex is connected, and answers', async () => {
    const firefox = await openFirefox();
    try {
      await connectInFirefox(product, firefox.page, 'openai_codex');
      await askInFirefox(product, firefox.page, 'openai_codex', 'Please say exactly medlar');
      assert.deepEqual(firefox.complaints, []);
    } finally {
      await firefox.close();
    }
  });

  await step('Gemini CLI is connected by the key that the dialog shows', async () => {
    await open('/dashboard/remote-cli');
    const card = page.getByTestId('card-google_gemini');
    await card.getByRole('button', { name: /^More for/ }).click();
    await page.getByRole('menuitem', { name: 'Use an API key' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Use it' }).click();
    await dashboard.shot('demo-google_gemini-key');
    await dialog.getByRole('button', { name: 'Connect' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await page.locator('[data-testid=card-google_gemini][data-state=connected]').waitFor();
  });

  await step('from its desktops only the stand-ins can be reached', async () => {
    const headers = { origin: product.url };
    const data = { name: 'test', scopes: ['connect'] };
    const created = await page.request.post(`${product.url}/api/tokens`, { headers, data });
    const polydev = createPolydev({ baseUrl: product.url, token: (await created.json()).secret });
    const { sessionId } = await polydev.sessions.start({ provider: 'claude_code', label: 'outward' });
    const opened: string[] = [];
    const reached = async (fits: (event: SessionEvent) => boolean) => {
      for await (const { event } of polydev.sessions.events(sessionId)) {
        if (event.type === 'opened') opened.push(event.page);
        if (fits(event)) return;
      }
      assert.fail('The sign-in ended before.');
    };
    await reached((event) => event.type === 'desktop' && event.part === 'terminal' && event.up);
    const { url, protocols } = await polydev.sessions.display(sessionId);
    const keyboard = await openKeyboard(createWebSocketStream(new WebSocket(url, protocols)));
    keyboard.click();
    const script = 'fetch(process.argv[1]).then(() => console.log("yes"), () => console.log("no"))';
    const reaches = (host: string) => `$(NODE_USE_ENV_PROXY=1 node -e '${script}' https://${host})`;
    enter(keyboard, `xdg-open https://claude.com/${reaches('claude.com')}-${reaches('example.org')}`);
    await reached((event) => event.type === 'opened' && /\/(yes|no)-(yes|no)$/.test(event.page));
    assert.deepEqual(opened, ['https://claude.com/yes-no']);
    keyboard.close();
    await polydev.sessions.cancel(sessionId);
  });

  for (const provider of ['claude_code', 'openai_codex', 'google_gemini'] as const) {
    await step(`${provider} answers sensibly, and says who answers`, async () => {
      await startPrompt(
        { product },
        page,
        provider,
        'Write a shell script that lists the ten largest files below a folder.',
      );
      await page.getByTestId('answer').last().locator('pre').getByText('sort -rn').waitFor();
      await page.getByTestId('answer').last().getByText('small local model').waitFor();
      await page.locator('[data-testid=answer][aria-busy=false]').last().waitFor();
      await dashboard.shot(`demo-${provider}-answer`);
    });
  }

  await step('a prompt may ask for a failure', async () => {
    await startPrompt({ product }, page, 'claude_code', 'Please fail with 429, as if my plan were used up.');
    await page.getByRole('button', { name: 'Retry' }).waitFor({ timeout: failureMs });
    await page.getByText("Wait until the provider's limit resets.").waitFor();
    await dashboard.shot('demo-failure');
  });

  await step('a second start goes on where the first ended', async () => {
    assert.equal(await product.stop(), 0);
    product = await startDemo(product.scratch);
    await logIn(page, product.url);
    await seeBanner(page);
    await startPrompt({ product }, page, 'claude_code', 'Please say exactly still-here');
    await page.getByTestId('answer').last().getByText('still-here').waitFor();
    await page.locator('[data-testid=answer][aria-busy=false]').last().waitFor();
  });

  await step('no page broke the content security policy', () => assert.deepEqual(dashboard.complaints, []));

  await step('nothing is left, and a real start refuses the folder', async () => {
    assert.equal(await product.stop(), 0);
    assert.deepEqual(await findLeftovers(product.paths), []);
    assert.match(await refusalOf('--data', product.paths.home), /is the data folder of a demo/);
  });
});

async function seeBanner(page: Page): Promise<void> {
  const banner = page.getByRole('complementary', { name: 'Demo' });
  await banner.getByText('local stand-ins instead of the real providers; nothing leaves this machine').waitFor();
}

async function connectInFirefox({ url }: Product, page: FirefoxPage, provider: ProviderId): Promise<void> {
  const press = (name: string) => page.locator(`::-p-aria(${name}[role="button"])`).click();
  await page.goto(`${url}/login`);
  await page.locator('input[autocomplete=username]').fill(owner.name);
  await page.locator('input[type=password]').fill(owner.password);
  await page.keyboard.press('Enter');
  await page.locator(`[data-testid=connect-${provider}]`).click();
  await page.waitForSelector('[data-testid=viewer-state][data-state=live]');
  await press('Type it for me');
  await page.waitForSelector('[data-testid=step-page][data-state=done]');
  const viewer = await page.waitForSelector('[data-testid=viewer] canvas');
  await viewer?.click({ offset: { x: 5, y: 5 } });
  const says = (text: string) => page.waitForSelector(`::-p-text(${text})`);
  const ended = Promise.any([says('Successfully connected'), says('The sign-in failed')]);
  await pressUntil(ended, () => page.keyboard.press('Enter'));
  assert.match(await page.evaluate(() => document.body.innerText), /Successfully connected/);
}

async function askInFirefox({ url }: Product, page: FirefoxPage, provider: ProviderId, prompt: string): Promise<void> {
  await page.goto(`${url}/dashboard/runs?provider=${provider}`);
  await page.locator('textarea[aria-label=Prompt]').fill(prompt);
  await page.keyboard.down('Control');
  await page.keyboard.press('Enter');
  await page.keyboard.up('Control');
  await page.waitForSelector('[data-testid=answer][aria-busy=false] ::-p-text(medlar)');
}

/** What `up` says when it ends at once. */
function refusalOf(...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(join(projectRoot, 'polydev'), ['up', '--yes', '--port', '0', ...args], (error, _stdout, stderr) =>
      error?.code === 1 ? resolve(stderr) : reject(new Error(`It ended otherwise: ${stderr}`)),
    );
  });
}
