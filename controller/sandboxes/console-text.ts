/** A sandbox's console or journal as people may see it. The sandbox writes it, so it may hold anything. */

import { stripVTControlCharacters } from 'node:util';
import { limits } from '@polydev/protocol';
import type { Redact } from '../credentials/redact.ts';
import { redactShapes } from '../credentials/secret-shapes.ts';

/** But for line feed and tab: in a terminal the others may write over what stands there. */
const controls = /[^\P{Cc}\n\t]/gu;
/** Of a terminal, such as one that sets its title. */
const command = { start: '\u001b]', ends: ['\u0007', '\u001b\\', '\u009c'] };

/** Plain text of whole lines without what is, or looks like, a secret. */
export function shownConsole(text: string, redacts: readonly Redact[] = []): string {
  let shown = plain(wholeLines(text)).replace(controls, '');
  for (const redact of redacts) shown = redact(shown);
  return redactShapes(shown);
}

/** Without what is for a terminal. Node alone would look for the end of each command that has none in all that follows. */
function plain(text: string): string {
  const [before = '', ...commands] = text.split(command.start);
  return [before, ...commands.map(afterCommand)].map(stripVTControlCharacters).join('');
}

function afterCommand(text: string): string {
  const ends = command.ends.map((end) => [text.indexOf(end), end.length] as const).filter(([at]) => at !== -1);
  const [at, length] = ends.reduce((first, next) => (next[0] < first[0] ? next : first), ends[0] ?? [0, 0]);
  return text.slice(at + length);
}

/** A tail may begin in the middle of a line, and so of a secret that nobody would know again. */
function wholeLines(text: string): string {
  // A character that was cut in two counts as three bytes, so a tail may seem to be longer.
  if (Buffer.byteLength(text) < Math.min(limits.consoleTailBytes, limits.journalTailBytes)) return text;
  const end = text.indexOf('\n');
  return end === -1 ? '' : text.slice(end + 1);
}
