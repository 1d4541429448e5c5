import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFinal, mayMove, runMoves, sandboxMoves, sessionMoves } from './states.ts';

const tables = { sessionMoves, sandboxMoves, runMoves };

for (const [name, moves] of Object.entries(tables)) {
  test(`${name}: every state named is a row, and an end is reached from everywhere`, () => {
    const table: Record<string, readonly string[]> = moves;
    for (const targets of Object.values(table)) for (const target of targets) assert.ok(target in table, target);
    for (const start of Object.keys(table)) {
      const seen = new Set([start]);
      for (const state of seen) for (const next of table[state] ?? []) seen.add(next);
      assert.ok(
        [...seen].some((state) => isFinal(table, state)),
        `${start} never ends`,
      );
    }
  });
}

test('nothing leaves an end', () => {
  assert.equal(mayMove(sessionMoves, 'connected', 'failed'), false);
  assert.equal(mayMove(runMoves, 'succeeded', 'failed'), false);
});

test('a sign-in in any of its first six states may fail, expire or be cancelled', () => {
  for (const state of ['pending', 'starting', 'ready', 'signing_in', 'captured', 'verifying'])
    for (const end of ['failed', 'expired', 'cancelled'])
      assert.ok(mayMove(sessionMoves, state, end), `${state} → ${end}`);
});
