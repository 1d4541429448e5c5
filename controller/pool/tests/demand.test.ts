import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDemand } from '../demand.ts';

const bounds = { desktop: { min: 1, max: 3 }, headless: { min: 0, max: 8 } };
const second = 1000;

test('without claims the least is kept, of each profile its own', () => {
  const demand = createDemand(bounds);
  assert.equal(demand.target('desktop', 0), 1);
  assert.equal(demand.target('headless', 0), 0);
});

test('more claims in the time of a start ask for more, up to the most', () => {
  const demand = createDemand(bounds);
  demand.replaced('headless', 4 * second);
  for (let claim = 0; claim < 30; claim += 1) demand.claimed('headless', claim * 2 * second);
  // One in two seconds, and a start of four: two come meanwhile, and half as many again for safety.
  assert.equal(demand.target('headless', 60 * second), 3);
  for (let claim = 0; claim < 300; claim += 1) demand.claimed('headless', 60 * second + claim);
  assert.equal(demand.target('headless', 61 * second), 8);
  assert.equal(demand.target('desktop', 61 * second), 1);
});

test('a burst is forgotten after ten minutes', () => {
  const demand = createDemand(bounds);
  for (let claim = 0; claim < 100; claim += 1) demand.claimed('desktop', claim);
  assert.equal(demand.target('desktop', second), 3);
  assert.equal(demand.target('desktop', 601 * second), 1);
});

test('what takes longer to replace is kept in greater number', () => {
  const slow = createDemand(bounds);
  for (let start = 0; start < 20; start += 1) slow.replaced('headless', 30 * second);
  for (let claim = 0; claim < 6; claim += 1) slow.claimed('headless', second + claim * 10 * second);
  assert.equal(slow.target('headless', 60 * second), 5);
});
