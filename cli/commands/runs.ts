/** `polydev runs` */

import { openPolydev } from '../api.ts';
import { CliError } from '../errors.ts';
import type { Command } from '../main.ts';
import { ago, oneLine, table } from '../text.ts';

const defaultLimit = 20;

export const runs: Command = async ({ options }) => {
  const limit = Number(options.limit ?? defaultLimit);
  if (!Number.isInteger(limit) || limit < 1) throw new CliError('--limit is a whole number from 1 on.', '', 2);
  const polydev = await openPolydev();
  const items = await polydev.runs.list({ limit });
  if (options.json) {
    process.stdout.write(`${JSON.stringify(items)}\n`);
    return 0;
  }
  if (items.length === 0) process.stdout.write('No runs yet. The first: polydev run claude "Hello"\n');
  const nowMs = Date.now();
  process.stdout.write(
    table(items.map((run) => [run.id, run.state, run.provider, ago(run.createdAtMs, nowMs), oneLine(run.prompt, 60)])),
  );
  return 0;
};
