import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunEvent, RunStreamEvent } from '@polydev/protocol';
import { addEvent, emptyView, textOf } from '../src/app/runs/run-view.ts';

const read = (...events: (RunEvent | RunStreamEvent)[]) =>
  events
    .map(
      (event): RunStreamEvent => (event.type === 'state' || event.type === 'event' ? event : { type: 'event', event }),
    )
    .reduce(addEvent, emptyView);
const text = (value: string): RunEvent => ({ type: 'text', text: value });
const tool = (name: string, phase: 'started' | 'finished', summary: string): RunEvent => ({
  type: 'tool',
  name,
  phase,
  summary,
});

test('pieces of text make one text, until a tool comes between', () => {
  const { parts, length } = read(text('Hel'), text('lo'), tool('Read', 'started', 'a.ts'), text('Done'));
  assert.deepEqual(parts, [
    { kind: 'text', text: 'Hello' },
    { kind: 'tools', calls: [{ name: 'Read', summary: 'a.ts', result: null }] },
    { kind: 'text', text: 'Done' },
  ]);
  assert.equal(length, 9);
  assert.equal(textOf(parts), 'Hello\n\nDone');
});

test('a tool that finishes ends the call that it belongs to', () => {
  const { parts } = read(
    tool('Read', 'started', 'a.ts'),
    tool('Read', 'started', 'b.ts'),
    tool('Read', 'finished', '10 lines'),
    tool('Bash', 'finished', 'never announced'),
  );
  assert.deepEqual(parts, [
    {
      kind: 'tools',
      calls: [
        { name: 'Read', summary: 'a.ts', result: '10 lines' },
        { name: 'Read', summary: 'b.ts', result: null },
        { name: 'Bash', summary: '', result: 'never announced' },
      ],
    },
  ]);
});

test('usage, model, state and reason are kept', () => {
  const reason = { code: 'run_timeout', message: 'Too long.', hint: 'Ask for less.' } as const;
  const view = read(
    { type: 'started', model: 'opus' },
    { type: 'usage', usage: { inputTokens: 3, outputTokens: 5 } },
    { type: 'state', state: 'timed_out', reason },
  );
  assert.equal(view.model, 'opus');
  assert.deepEqual(view.usage, { inputTokens: 3, outputTokens: 5 });
  assert.equal(view.state, 'timed_out');
  assert.deepEqual(view.reason, reason);
});
