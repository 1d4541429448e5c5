import assert from 'node:assert/strict';
import { test } from 'node:test';
import { weekOf } from '../src/app/connections/week.ts';
import { usage } from './fixture/data.ts';

test('a tool’s week adds up its accounts, disconnected ones included, and no other tool', () => {
  const all = [usage('claude_code', [0, 0, 3, 0, 2, 0, 1]), usage('claude_code', [1, 0, 0, 0, 0, 0, 1], null)];
  const week = weekOf('claude_code', [...all, usage('google_gemini', [9, 9, 9, 9, 9, 9, 9])]);
  assert.deepEqual(week.days, [1, 0, 3, 0, 2, 0, 2]);
  assert.equal(week.runs, 8);
  assert.equal(week.tokens, 8 * 1500);
  assert.equal(weekOf('openai_codex', all).runs, 0);
});
