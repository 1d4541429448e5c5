/** Signs in to a tool the way a person does: in the desktop, seen through the dashboard. */

import type { ProviderId } from '@polydev/protocol';
import type { Page } from 'playwright-core';
import type { Dashboard } from './dashboard.ts';
import { pressUntil } from './press-until.ts';
import type { World } from './world.ts';

const consentMs = 120_000;

export interface BrowserLogin {
  provider: ProviderId;
  command: string;
  /** Path of the double's consent page. */
  consentPath: string;
}

export async function signInByBrowser(world: World, dashboard: Dashboard, login: BrowserLogin): Promise<void> {
  const { page } = dashboard;
  const { provider, command, consentPath } = login;
  await page.goto(`${world.product.url}/dashboard/remote-cli`);
  await page
    .getByTestId(`card-${provider}`)
    .getByRole('button', { name: /^(Connect|Sign in)/ })
    .click();
  await page.waitForURL(/\/dashboard\/remote-cli\/auth\?sessionId=ses_/);
  await page.locator('[data-testid=viewer-state][data-state=live]').waitFor();
  await page.locator('[data-testid=step-machine][data-state=done]').waitFor();
  await dashboard.shot(`${provider}-desktop`);

  const screen = page.getByTestId('viewer').locator('canvas');
  await screen.click();
  await page.keyboard.type(command, { delay: 15 });
  await page.keyboard.press('Enter');
  await page.locator('[data-testid=step-page][data-state=done]').waitFor();

  await approve(world, page, consentPath);
  await page.getByText('Successfully connected').waitFor();
  await dashboard.shot(`${provider}-connected`);
}

/** Presses Enter in the sandbox's browser, where Approve has the focus, until the double has heard it. */
async function approve(world: World, page: Page, consentPath: string): Promise<void> {
  await world.seen((request) => request.method === 'GET' && request.path === consentPath, consentMs);
  const approved = world.seen(
    (request) => request.method === 'POST' && request.path.startsWith(consentPath),
    consentMs,
  );
  await pressUntil(approved, () => page.keyboard.press('Enter'));
}

/** Forgets the credential by the card's menu. */
export async function disconnect(world: World, page: Page, provider: ProviderId): Promise<void> {
  await page.goto(`${world.product.url}/dashboard/remote-cli`);
  await page
    .getByTestId(`card-${provider}`)
    .getByRole('button', { name: /^More for/ })
    .click();
  await page.getByRole('menuitem', { name: 'Disconnect' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Disconnect' }).click();
  await page.locator(`[data-testid=card-${provider}][data-state=not_connected]`).waitFor();
}

export async function connectByApiKey(world: World, page: Page, provider: ProviderId): Promise<void> {
  const [apiKey = ''] = world.doubles.state.apiKeys[provider];
  await page.goto(`${world.product.url}/dashboard/remote-cli`);
  await page
    .getByTestId(`card-${provider}`)
    .getByRole('button', { name: /^More for/ })
    .click();
  await page.getByRole('menuitem', { name: 'Use an API key' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'API key' }).fill(apiKey);
  await dialog.getByRole('button', { name: 'Connect' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await page.locator(`[data-testid=card-${provider}][data-state=connected]`).waitFor();
}

/** Sends a prompt from the dashboard and waits for its whole answer. */
export async function runPrompt(world: World, page: Page, provider: ProviderId, word: string): Promise<void> {
  await startPrompt(world, page, provider, `Please say exactly ${word}`);
  await page.getByTestId('answer').last().getByText(word).waitFor();
  await page.locator('[data-testid=answer][aria-busy=false]').last().waitFor();
}

export async function startPrompt(
  { product }: Pick<World, 'product'>,
  page: Page,
  provider: ProviderId,
  prompt: string,
): Promise<void> {
  await page.goto(`${product.url}/dashboard/runs?provider=${provider}`);
  await page.getByRole('textbox', { name: /prompt/i }).fill(prompt);
  await page.keyboard.press('Control+Enter');
}
