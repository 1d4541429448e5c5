/** A person at the dashboard, in a real Firefox (Debian's). Anything that the strict CSP refuses fails the test. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch, type Page } from 'puppeteer-core';

const executablePath = '/usr/bin/firefox-esr';
const patienceMs = 120_000;

export interface Firefox {
  page: Page;
  /** What the browser complained about: refused by CSP, or thrown. */
  complaints: string[];
  close(): Promise<void>;
}

export async function openFirefox(): Promise<Firefox> {
  const home = mkdtempSync(join(tmpdir(), 'polydev-firefox-'));
  const browser = await launch({
    ...{ browser: 'firefox', executablePath, headless: true },
    env: { ...process.env, HOME: home },
  });
  const page = await browser.newPage();
  await page.setViewport({ width: 1440, height: 900 });
  page.setDefaultTimeout(patienceMs);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (/Content.Security.Policy|blocked the loading|Policy breached/i.test(message.text()))
      complaints.push(message.text());
  });
  await page.evaluateOnNewDocument(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
      console.error(`Policy breached: ${violatedDirective} by ${blockedURI}`);
    });
  });
  return {
    page,
    complaints,
    async close() {
      await browser.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
