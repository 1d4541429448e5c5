/** `polydev connections` */

import type { Credential } from '@polydev/protocol';
import { openPolydev } from '../api.ts';
import type { Command } from '../main.ts';
import { ago, table } from '../text.ts';

export const connections: Command = async ({ options }) => {
  const polydev = await openPolydev();
  const [providers, credentials] = await Promise.all([polydev.providers.list(), polydev.credentials.list()]);
  if (options.json) {
    process.stdout.write(`${JSON.stringify(credentials)}\n`);
    return 0;
  }
  const rows = providers.flatMap(({ id }) => {
    const own = credentials.filter(({ provider }) => provider === id);
    return own.length === 0 ? [['○', id, 'not connected']] : own.map((credential) => [...stateOf(credential)]);
  });
  process.stdout.write(table(rows));
  return 0;
};

function stateOf({ provider, status, kind, account, label, updatedAtMs }: Credential): string[] {
  const name = account.email ?? (kind === 'api_key' ? 'API key' : label);
  const who = label === 'default' || label === name ? name : `${name} (${label})`;
  const when = ago(updatedAtMs, Date.now());
  return status === 'active'
    ? ['●', provider, `connected as ${who}, ${when}`]
    : ['!', provider, `sign in again: the provider refused ${who}, ${when}`];
}
