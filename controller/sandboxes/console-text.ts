/** A sandbox's console or journal as people may see it. The sandbox writes it, so it may hold anything. */

import { stripVTControlCharacters } from 'node:util';
import { limits } from '@polydev/protocol';
import type { Redact } from '../credentials/redact.ts';
import { redactShapes } from '../credentials/secret-shapes.ts';

/** But for line feed and tab: in a terminal the others may write over what stands there. */
const controls = /[^\P{Cc}\n\t]/gu;

/** Plain text of whole lines without what is, or looks like, a secret. */
export function shownConsole(text: string, redacts: readonly Redact[] = []): string {
  let shown = stripVTControlCharacters(wholeLines(text)).replace(controls, '');
  for (const redact of redacts) shown = redact(shown);
  return redactShapes(shown);
}

/** A tail may begin in the middle of a line, and so of a secret that nobody would know again. */
function wholeLines(text: string): string {
  // A character that was cut in two counts as three bytes, so a tail may seem to be longer.
  if (Buffer.byteLength(text) < Math.min(limits.consoleTailBytes, limits.journalTailBytes)) return text;
  const end = text.indexOf('\n');
  return end === -1 ? '' : text.slice(end + 1);
}
