import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextState, pauseBefore, startState, type ViewerMove, type ViewerState } from '../src/viewer/state.ts';

const after = (...moves: ViewerMove[]): ViewerState => moves.reduce(nextState, startState);
const lost: ViewerMove = { type: 'lost', why: 'gone' };

test('a viewer connects, lives, reconnects, lives again', () => {
  assert.equal(after().name, 'connecting');
  assert.deepEqual(after({ type: 'painted' }), { name: 'live', latencyMs: null });
  assert.deepEqual(after({ type: 'painted' }, { type: 'measured', latencyMs: 12 }), { name: 'live', latencyMs: 12 });
  assert.deepEqual(after({ type: 'painted' }, lost), { name: 'reconnecting', attempt: 1, why: 'gone' });
  assert.deepEqual(after({ type: 'painted' }, lost, { type: 'painted' }), { name: 'live', latencyMs: null });
});

test('tries are counted until a picture comes', () => {
  assert.deepEqual(after(lost, lost, lost), { name: 'reconnecting', attempt: 3, why: 'gone' });
  assert.deepEqual(after(lost, lost, { type: 'painted' }, lost), { name: 'reconnecting', attempt: 1, why: 'gone' });
});

test('nothing follows the end', () => {
  const ended = after({ type: 'ended', why: 'over' });
  for (const move of [lost, { type: 'painted' }, { type: 'ended', why: 'twice' }] satisfies ViewerMove[]) {
    assert.deepEqual(nextState(ended, move), { name: 'ended', why: 'over' });
  }
});

test('a latency without a picture is no news', () => {
  assert.deepEqual(after(lost, { type: 'measured', latencyMs: 5 }), { name: 'reconnecting', attempt: 1, why: 'gone' });
});

test('pauses double up to eight seconds', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 7].map((attempt) => pauseBefore(attempt, () => 0)),
    [250, 500, 1000, 2000, 4000, 8000, 8000],
  );
  assert.equal(
    pauseBefore(1, () => 1),
    187.5,
  );
});
