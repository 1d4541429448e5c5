import assert from 'node:assert/strict';
import { argon2Sync } from 'node:crypto';
import { test } from 'node:test';
import { hashPassword, verifyPassword } from '../password.ts';

test('a password verifies against its own hash and no other', async () => {
  const [first, again, other] = await Promise.all(['pass word', 'pass word', 'other'].map(hashPassword));
  assert.ok(first && again && other);
  assert.notEqual(first, again);
  assert.equal(await verifyPassword('pass word', first), true);
  assert.equal(await verifyPassword('pass word', again), true);
  assert.equal(await verifyPassword('pass word', other), false);
  assert.equal(await verifyPassword('', first), false);
});

test('the hash says with what it was made: argon2id, 64 MiB, 3 passes', async () => {
  const stored = await hashPassword('pass word');
  const [version, memory, passes, lanes, salt = '', tag = ''] = stored.split('$');
  assert.deepEqual([version, memory, passes, lanes], ['v1', '65536', '3', '1']);
  const expected = argon2Sync('argon2id', {
    message: 'pass word',
    nonce: Buffer.from(salt, 'base64url'),
    memory: 65536,
    passes: 3,
    parallelism: 1,
    tagLength: 32,
  });
  assert.equal(tag, expected.toString('base64url'));
});

test('letters composed in different ways are the same password', async () => {
  assert.equal(await verifyPassword('e\u0301te\u0301', await hashPassword('\u00e9t\u00e9')), true);
});

test('nobody has no password, and the same work is done to say so', async () => {
  const stored = await hashPassword('pass word');
  const msOf = async (hash: string | null) => {
    const startMs = performance.now();
    assert.equal(await verifyPassword('wrong', hash), false);
    return performance.now() - startMs;
  };
  const least = { known: Infinity, unknown: Infinity };
  const alike = () => least.unknown > least.known / 2 && least.unknown < least.known * 2;
  for (let round = 0; round < 5 || (round < 30 && !alike()); round += 1) {
    least.known = Math.min(least.known, await msOf(stored));
    least.unknown = Math.min(least.unknown, await msOf(null));
  }
  assert.ok(alike(), `${least.unknown} ms against ${least.known} ms`);
});

test('what is no hash of ours verifies nothing', async () => {
  for (const stored of ['', 'v2$65536$3$1$c2FsdA$dGFn', 'plain']) assert.equal(await verifyPassword('', stored), false);
});
