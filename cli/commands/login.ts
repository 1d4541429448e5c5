/** `polydev login`: proves address and token, then remembers them. */

import { createPolydev } from '@polydev/sdk';
import { loginUrl, saveConnection } from '../config.ts';
import { CliError } from '../errors.ts';
import { readStdin } from '../input.ts';
import type { Command } from '../main.ts';

export const login: Command = async (invocation) => {
  if (!invocation.options.tokenFromStdin) {
    throw new CliError(
      'The token is read from stdin, so that no process list shows it.',
      'polydev login --url ADDRESS --token-stdin, then paste the token and press Ctrl D.',
      2,
    );
  }
  const url = loginUrl(invocation);
  const token = (await readStdin()).trim();
  const { name } = await createPolydev({ baseUrl: url, token }).me();
  const path = await saveConnection({ url, token });
  process.stdout.write(`✓ ${name} at ${url}, remembered in ${path}\n`);
  return 0;
};
