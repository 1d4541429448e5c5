/** `polydev run`: the answer to stdout as it comes, everything else to stderr. */

import type { Run, RunStreamEvent } from '@polydev/protocol';
import type { Polydev } from '@polydev/sdk';
import { accountNamed, openPolydev, providerNamed } from '../api.ts';
import { CliError } from '../errors.ts';
import { readStdin } from '../input.ts';
import type { Command } from '../main.ts';

const interruptedExitCode = 130;

export const run: Command = async ({ words: [word, ...rest], options }) => {
  const polydev = await openPolydev();
  const provider = await providerNamed(polydev, word);
  const typed = rest.join(' ');
  const prompt = typed === '' || typed === '-' ? await readStdin() : typed;
  if (prompt.trim() === '') throw new CliError('The prompt is empty.', 'polydev run PROVIDER "your prompt"', 2);
  const credentialId = await accountNamed(polydev, provider, options.account);
  const started = await polydev.runs.start({ provider, prompt, model: options.model, credentialId });
  return follow(polydev, started, options.json);
};

async function follow(polydev: Polydev, started: Run, asJson: boolean): Promise<number> {
  let interrupted = false;
  const interrupt = () => {
    interrupted = true;
    polydev.runs.cancel(started.id).catch(() => process.exit(interruptedExitCode));
  };
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  let last: RunStreamEvent | undefined;
  let endsInNewline = true;
  for await (const item of polydev.runs.stream(started.id, { onInterrupted: noteInterruption })) {
    last = item.event;
    if (asJson) process.stdout.write(`${JSON.stringify(item)}\n`);
    else endsInNewline = print(item.event, endsInNewline);
  }
  if (!endsInNewline) process.stdout.write('\n');
  process.off('SIGINT', interrupt);
  process.off('SIGTERM', interrupt);
  if (interrupted) return interruptedExitCode;
  if (last?.type === 'state' && last.state === 'succeeded') return 0;
  if (asJson) return 1;
  const reason = last?.type === 'state' ? last.reason : null;
  throw new CliError(
    reason?.message ?? 'The run did not succeed.',
    reason?.hint ?? `polydev runs shows ${started.id}.`,
  );
}

/** Answers whether the answer so far ends in a newline. */
function print(item: RunStreamEvent, endsInNewline: boolean): boolean {
  if (item.type !== 'event') return endsInNewline;
  const { event } = item;
  if (event.type === 'text') {
    process.stdout.write(event.text);
    return event.text.endsWith('\n');
  }
  if (event.type === 'tool' && event.phase === 'started') note(`${event.name} ${event.summary}`, endsInNewline);
  else if (event.type === 'notice') note(event.text, endsInNewline);
  else if (event.type === 'usage') {
    const { inputTokens, outputTokens } = event.usage;
    note(`${inputTokens} tokens in, ${outputTokens} out`, endsInNewline);
  }
  return endsInNewline;
}

function note(text: string, endsInNewline: boolean): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(`${endsInNewline ? '' : '\n'}\x1b[2m· ${text}\x1b[0m\n`);
}

function noteInterruption(error: unknown): void {
  process.stderr.write(error === null ? '· connected again\n' : '· connection lost, trying again\n');
}
