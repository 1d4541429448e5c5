/** What the terminal greets with: the window's title, then the lines to print. */

import type { ProviderInfo } from '@polydev/protocol';

export function greeting({ name, loginCommand }: ProviderInfo): string {
  return `Sign in · ${name}\nSign in to ${name}\nType:  ${loginCommand}\n`;
}
