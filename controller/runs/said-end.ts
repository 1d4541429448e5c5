/**
 * The end of a run as its tool has said it, from the timeline: for one whose controller died between hearing that and
 * writing it down as the run's own.
 */

import { PolydevError, type RunState, type RunStreamEvent } from '@polydev/protocol';
import { reasonOf } from '../reason.ts';
import type { RunChange, RunRow } from './rows.ts';

export interface SaidEnd {
  state: Extract<RunState, 'succeeded' | 'failed'>;
  set: RunChange;
  reason?: NonNullable<RunRow['reason']>;
}

/** Null: the tool had not come to an end. */
export function saidEnd(timeline: readonly RunStreamEvent[]): SaidEnd | null {
  const said = timeline.flatMap((entry) => (entry.type === 'event' ? [entry.event] : []));
  const verdict = said.findLast((event) => event.type === 'finished' || event.type === 'failure');
  if (!verdict) return null;
  const usage = said.findLast((event) => event.type === 'usage')?.usage;
  const answer = said.map((event) => (event.type === 'text' ? event.text : '')).join('');
  const set = { answer, ...(usage && { usage }) };
  if (verdict.type === 'finished') return { state: 'succeeded', set };
  return { state: 'failed', set, reason: reasonOf(new PolydevError(verdict.code, verdict.message)) };
}
