/** The client that commands talk through, and how they name a provider. */

import type { ProviderId } from '@polydev/protocol';
import { createPolydev, type Polydev } from '@polydev/sdk';
import { readConnection } from './config.ts';
import { CliError } from './errors.ts';

export async function openPolydev(): Promise<Polydev> {
  const { url, token } = await readConnection();
  return createPolydev({ baseUrl: url, token });
}

/** `claude_code` by its id or by one word of it. */
export async function providerNamed(polydev: Polydev, word: string | undefined): Promise<ProviderId> {
  const providers = await polydev.providers.list();
  const found = providers.find(({ id }) => id === word || id.split('_').includes(word ?? ''));
  if (found) return found.id;
  throw new CliError(
    word === undefined ? 'Which provider?' : `There is no provider \`${word}\`.`,
    `One of ${providers.map(({ id }) => id).join(', ')}.`,
    2,
  );
}
