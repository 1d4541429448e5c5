import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PolydevError } from '@polydev/protocol';
import { createAddressPool } from '../addresses.ts';

test('addresses come from the block around the gateway, and are never its own', () => {
  const pool = createAddressPool('100.127.255.1');
  assert.equal(pool.block, '100.127.252.0/22');
  const all = Array.from({ length: 1021 }, () => pool.reserve());
  assert.equal(new Set(all).size, 1021);
  for (const address of all) assert.match(address, /^100\.127\.25[2-5]\.\d+$/);
  for (const never of ['100.127.252.0', '100.127.255.255', '100.127.255.1']) assert.ok(!all.includes(never), never);
  assert.throws(
    () => pool.reserve(),
    (error) => error instanceof PolydevError && error.code === 'capacity',
  );
  pool.free('100.127.253.7');
  assert.equal(pool.reserve(), '100.127.253.7');
});

test('an address that was given back rests until the others have had their turn', () => {
  const pool = createAddressPool('100.64.3.1');
  const first = pool.reserve();
  pool.free(first);
  assert.notEqual(pool.reserve(), first);
});

test('what an earlier start gave away is not given again', () => {
  const pool = createAddressPool('100.64.3.1');
  pool.take('100.64.0.1');
  assert.equal(pool.reserve(), '100.64.0.2');
});

test('a gateway that is no IPv4 address is refused', () => {
  for (const wrong of ['localhost', '::1', '1.2.3'])
    assert.throws(() => createAddressPool(wrong), { code: 'invalid_request' });
});
