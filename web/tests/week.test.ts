import assert from 'node:assert/strict';
import { test } from 'node:test';
import { weekOf } from '../src/app/connections/week.ts';
import { run } from './fixture/data.ts';

test('a week has seven days, today last, and only the tool’s own runs', () => {
  const nowMs = new Date(2026, 10, 20, 15, 0).getTime();
  const at = (daysAgo: number, provider: 'claude_code' | 'openai_codex' = 'claude_code') =>
    run(nowMs, { provider, createdAtMs: nowMs - daysAgo * 86_400_000 });
  const week = weekOf('claude_code', [at(0), at(0), at(1), at(6), at(7), at(2, 'openai_codex')], nowMs);
  assert.deepEqual(week.days, [1, 0, 0, 0, 0, 1, 2]);
  assert.equal(week.runs, 4);
  assert.equal(week.tokens, 4 * (1204 + 389));
});
