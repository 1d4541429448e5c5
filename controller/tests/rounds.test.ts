import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRounds } from '../rounds.ts';
import { createJumpingClock } from '../testing/clock.ts';
import { gate } from '../testing/tool.ts';

const options = { timeout: 20_000 };
const minute = 60_000;

test('of two times the earlier one counts', options, () => {
  const clock = createJumpingClock();
  let rounds = 0;
  const { within, stop } = createRounds(clock, async () => {
    rounds += 1;
  });
  within(10 * minute);
  within(minute);
  within(5 * minute);
  clock.jump(minute);
  assert.equal(rounds, 1);
  within(minute);
  stop();
  within(0);
  clock.jump(minute);
  assert.equal(rounds, 1);
});

test('there is one at a time, and one more for who asked meanwhile', options, async () => {
  const clock = createJumpingClock();
  const gates = [gate(), gate()];
  let begun = 0;
  const { within } = createRounds(clock, async () => await gates[begun++]?.wait);
  for (let asked = 0; asked < 3; asked += 1) {
    within(minute);
    clock.jump(minute);
  }
  assert.equal(begun, 1);
  gates[0]?.open();
  await new Promise(setImmediate);
  assert.equal(begun, 2);
  gates[1]?.open();
  await new Promise(setImmediate);
  assert.equal(begun, 2);
});
