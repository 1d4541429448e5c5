/** A run's events as what a person reads: text, tool calls, notices, in order. */

import type { Reason, RunState, RunStreamEvent, Usage } from '@polydev/protocol';

export interface ToolCall {
  name: string;
  summary: string;
  /** What came of it; null while it runs. */
  result: string | null;
}

export type Part =
  | { kind: 'text'; text: string }
  | { kind: 'tools'; calls: ToolCall[] }
  | { kind: 'notice'; text: string };

export interface RunView {
  state: RunState;
  reason: Reason | null;
  model: string | null;
  parts: Part[];
  /** Characters of answer so far. */
  length: number;
  usage: Usage | null;
}

export const emptyView: RunView = {
  state: 'queued',
  reason: null,
  model: null,
  parts: [],
  length: 0,
  usage: null,
};

export function addEvent(view: RunView, item: RunStreamEvent): RunView {
  if (item.type === 'state') return { ...view, state: item.state, reason: item.reason };
  const { event } = item;
  switch (event.type) {
    case 'started':
      return { ...view, model: event.model ?? view.model };
    case 'text':
      return { ...view, parts: addText(view.parts, event.text), length: view.length + event.text.length };
    case 'tool':
      return {
        ...view,
        parts:
          event.phase === 'started'
            ? startTool(view.parts, event.name, event.summary)
            : finishTool(view.parts, event.name, event.summary),
      };
    case 'notice':
      return { ...view, parts: [...view.parts, { kind: 'notice', text: event.text }] };
    case 'usage':
      return { ...view, usage: event.usage };
    case 'failure':
    case 'finished':
      // The state that follows says it, with what to do.
      return view;
  }
}

function addText(parts: Part[], text: string): Part[] {
  const last = parts.at(-1);
  if (last?.kind === 'text') return [...parts.slice(0, -1), { kind: 'text', text: last.text + text }];
  return [...parts, { kind: 'text', text }];
}

function startTool(parts: Part[], name: string, summary: string): Part[] {
  const call: ToolCall = { name, summary, result: null };
  const last = parts.at(-1);
  if (last?.kind === 'tools') return [...parts.slice(0, -1), { kind: 'tools', calls: [...last.calls, call] }];
  return [...parts, { kind: 'tools', calls: [call] }];
}

/** Ends the oldest call of this name that still runs; one that was never announced is added as ended. */
function finishTool(parts: Part[], name: string, result: string): Part[] {
  for (const [index, part] of parts.entries()) {
    if (part.kind !== 'tools') continue;
    const position = part.calls.findIndex((call) => call.name === name && call.result === null);
    if (position < 0) continue;
    const calls = part.calls.map((call, at) => (at === position ? { ...call, result } : call));
    return parts.with(index, { kind: 'tools', calls });
  }
  const started = startTool(parts, name, '');
  return finishTool(started, name, result);
}

export function textOf(parts: readonly Part[]): string {
  return parts.flatMap((part) => (part.kind === 'text' ? [part.text] : [])).join('\n\n');
}
