/** The client that commands talk through, and how they name a provider. */

import type { CredentialId, ProviderId } from '@polydev/protocol';
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

/** The account by its address, its label or its id; undefined lets Polydev take the only one. */
export async function accountNamed(
  polydev: Polydev,
  provider: ProviderId,
  word: string | undefined,
): Promise<CredentialId | undefined> {
  if (word === undefined) return undefined;
  const own = (await polydev.credentials.list()).filter((credential) => credential.provider === provider);
  const found = own.find(({ id, label, account }) => [id, label, account.email].includes(word));
  if (found) return found.id;
  const names = own.map(({ label, account }) => account.email ?? label).join(', ');
  throw new CliError(
    `No account \`${word}\` of ${provider} is connected.`,
    names === '' ? 'Connect one first.' : `One of ${names}.`,
    2,
  );
}
