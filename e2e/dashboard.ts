/** A person at the dashboard, in a real Chromium. Anything that the strict CSP refuses fails the test. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { owner } from './owner.ts';

/** Screenshots of every run, to look at. */
const outDir = join(import.meta.dirname, 'out');
const executablePath = '/usr/bin/chromium';
const flags = [
  '--no-sandbox', // it runs as root here, and visits nothing but our own pages
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface Dashboard {
  /** The tab that is looked at. */
  page: Page;
  /** What the browser complained about: refused by CSP, or thrown. */
  complaints: string[];
  shot(name: string): Promise<void>;
  close(): Promise<void>;
}

export async function openDashboard(): Promise<Dashboard> {
  mkdirSync(outDir, { recursive: true });
  const browser: Browser = await chromium.launch({ executablePath, args: flags });
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  context.setDefaultTimeout(120_000);
  const complaints: string[] = [];
  context.on('weberror', (error) => complaints.push(String(error.error())));
  context.on('console', (message) => {
    if (/Content Security Policy|Refused to/i.test(message.text())) complaints.push(message.text());
  });
  const dashboard: Dashboard = {
    page: await context.newPage(),
    complaints,
    async shot(name) {
      await dashboard.page.screenshot({ path: join(outDir, `${name}.png`) });
    },
    close: () => browser.close(),
  };
  return dashboard;
}

export async function logIn(page: Page, baseUrl: string): Promise<void> {
  await page.goto(`${baseUrl}/login`);
  await fillInOwner(page);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(/\/dashboard\/remote-cli$/);
}

/** On the page of the first set-up or of the login. */
export async function fillInOwner(page: Page): Promise<void> {
  await page.getByRole('textbox', { name: 'Name' }).fill(owner.name);
  await page.getByRole('textbox', { name: 'Password' }).fill(owner.password);
}
