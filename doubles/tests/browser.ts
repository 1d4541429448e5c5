/** What `$BROWSER` runs in the tests: visits the sign-in page and approves. Reads its settings from a file. */

import { appendFileSync, readFileSync } from 'node:fs';
import { createVisitor, titleOf } from './visitor.ts';

interface Settings {
  port: number;
  caPem: string;
  /** Gets a line for each visit. */
  log: string;
}

export async function browse(settingsPath: string, address: string): Promise<void> {
  const settings = JSON.parse(readFileSync(settingsPath, 'utf8')) as Settings;
  const say = (line: string) => appendFileSync(settings.log, `${line}\n`);
  try {
    const page = await createVisitor(settings).decide(address, 'approve');
    say(`${page.status} ${new URL(page.url).origin}${new URL(page.url).pathname} ${titleOf(page)}`);
  } catch (error) {
    say(`failed: ${error}`);
  }
}
