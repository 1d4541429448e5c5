/** Feeds lines to a provider's parser, as a run does. */

import type { ProviderId, RunEvent } from '@polydev/protocol';
import { providerOf } from '../index.ts';

export interface Replay {
  events: RunEvent[];
  raws: unknown[];
  answer: string;
}

export function replay(
  id: ProviderId,
  lines: readonly (string | object)[],
  exit: number | null = 0,
  stderr = '',
): Replay {
  const parser = providerOf(id).createParser();
  const parsed = lines.map((line) => parser.line(typeof line === 'string' ? line : JSON.stringify(line)));
  const events = [...parsed.flatMap((part) => part.events), ...parser.end(exit, stderr)];
  const answer = events.map((event) => (event.type === 'text' ? event.text : '')).join('');
  return { events, raws: parsed.map(({ raw }) => raw), answer };
}
