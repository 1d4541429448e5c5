/** `polydev connect PROVIDER --api-key-stdin` */

import { openPolydev, providerNamed } from '../api.ts';
import { CliError } from '../errors.ts';
import { readStdin } from '../input.ts';
import type { Command } from '../main.ts';

export const connect: Command = async ({ words: [word], options }) => {
  const polydev = await openPolydev();
  const provider = await providerNamed(polydev, word);
  if (!options.apiKeyFromStdin) {
    throw new CliError(
      'Signing in needs a desktop, which the dashboard shows.',
      'Open /dashboard/remote-cli in a browser, or pipe an API key into: polydev connect PROVIDER --api-key-stdin',
      2,
    );
  }
  const apiKey = (await readStdin()).trim();
  if (apiKey === '') throw new CliError('No API key came in.', 'Pipe it in, or paste it and press Ctrl D.', 2);
  const credential = await polydev.credentials.addApiKey({ provider, apiKey, label: options.label });
  if (options.json) process.stdout.write(`${JSON.stringify(credential)}\n`);
  else process.stdout.write(`✓ ${provider} connected by API key\n`);
  return 0;
};
