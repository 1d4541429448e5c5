/** `polydev sandbox list`, `polydev sandbox logs ID` */

import { writeFile } from 'node:fs/promises';
import type { LogEntry, SandboxLogs, SandboxOrOwnerId, SessionEvent } from '@polydev/protocol';
import { openPolydev } from '../api.ts';
import { CliError } from '../errors.ts';
import type { Command } from '../main.ts';
import { ago, table } from '../text.ts';

export const sandbox: Command = (invocation) => {
  const [what, ...words] = invocation.words;
  if (what === 'list') return list({ ...invocation, words });
  if (what === 'logs') return logs({ ...invocation, words });
  throw new CliError('Which: list or logs?', '`polydev help` shows what there is.', 2);
};

const list: Command = async ({ options }) => {
  const polydev = await openPolydev();
  const items = await polydev.sandboxes.list();
  if (options.json) {
    process.stdout.write(`${JSON.stringify(items)}\n`);
    return 0;
  }
  if (items.length === 0) process.stdout.write('No sandboxes now. Of one that failed: polydev sandbox logs ID\n');
  const nowMs = Date.now();
  process.stdout.write(
    table(
      items.map(({ id, profile, state, owner, createdAtMs }) => [
        ...[id, profile, state, owner ?? '-', ago(createdAtMs, nowMs)],
      ]),
    ),
  );
  return 0;
};

const logs: Command = async ({ words: [word], options: { json, journal, screenshot } }) => {
  if (word === undefined) {
    throw new CliError('Of which sandbox?', 'Give its id, or that of the sign-in or run that it was for.', 2);
  }
  const id = word as SandboxOrOwnerId;
  const polydev = await openPolydev();
  if (screenshot !== undefined) {
    const picture = await polydev.sandboxes.screenshot(id);
    await writeFile(screenshot, Buffer.from(await picture.arrayBuffer()), { mode: 0o600 });
    process.stdout.write(`✓ ${screenshot}\n`);
    return 0;
  }
  const found = await polydev.sandboxes.logs(id);
  process.stdout.write(json ? `${JSON.stringify(found)}\n` : journal ? ended(found.journal) : describe(found));
  return 0;
};

function describe(found: SandboxLogs): string {
  const { id, profile, provider, owner, reason, createdAtMs, endedAtMs, timeline, picture, console } = found;
  const when = ago(endedAtMs ?? createdAtMs, Date.now());
  const parts = [
    `${id}  ${profile}${provider ? ` of ${provider}` : ''}${owner ? ` for ${owner}` : ''}`,
    endedAtMs === null ? `there now, started ${when}` : `ended ${when}`,
    ...(reason ? [`✗ ${reason.message}`, `  ${reason.hint}`] : []),
    '',
    ...timeline.map(lineOf),
    '',
    console.trimEnd() || 'Nothing on its console.',
    '',
    `Also: --journal${picture ? ', --screenshot FILE' : ''}`,
  ];
  return `${parts.join('\n')}\n`;
}

function lineOf(entry: LogEntry): string {
  const time = new Date(entry.atMs).toISOString().replace('T', ' ').replace('Z', '');
  if (entry.of === 'sandbox') return `${time}  sandbox ${entry.state}`;
  if (entry.of === 'session') return `${time}  sign-in ${eventWords(entry.event)}`;
  return `${time}  run ${entry.state}${entry.reason ? `: ${entry.reason.message}` : ''}`;
}

function eventWords(event: SessionEvent): string {
  switch (event.type) {
    case 'state':
      return `${event.state}${event.reason ? `: ${event.reason.message}` : ''}`;
    case 'desktop':
      return `${event.part} ${event.up ? 'up' : 'down'}`;
    case 'opened':
      return `opened ${event.page}`;
    case 'proof':
      return `proof ${event.text}`;
    default:
      return event.type;
  }
}

function ended(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}
