import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { format, inspect } from 'node:util';
import { createMasterKey, keyCheck, MasterKey, parseMasterKey, verifyKeyCheck } from '../master-key.ts';
import { withCode } from './helpers.ts';

const wrong = withCode('master_key_wrong');

suite('the master key', { timeout: 30_000 }, () => {
  test('survives being written down and read again', () => {
    const key = createMasterKey();
    verifyKeyCheck(parseMasterKey(`  ${key.reveal()}\n`), keyCheck(key));
  });

  test('is recognised by its check, and another key is not', () => {
    const key = createMasterKey();
    const check = keyCheck(key);
    verifyKeyCheck(key, check);
    assert.throws(() => verifyKeyCheck(createMasterKey(), check), wrong);
    for (const text of ['', 'v1', `${check}A`, check.slice(1)]) assert.throws(() => verifyKeyCheck(key, text), wrong);
  });

  test('is refused unless it is 32 bytes in base64url', () => {
    const whole = createMasterKey().reveal();
    for (const text of ['', 'secret', whole.slice(1), `${whole}A`, `${whole}=`, '0'.repeat(64)])
      assert.throws(() => parseMasterKey(text), wrong, text);
    assert.throws(() => new MasterKey(new Uint8Array(31)), wrong);
  });

  test('gives a different key for each purpose, none of them itself', () => {
    const key = createMasterKey();
    const found = [key.derive('a'), key.derive('b')].map((bytes) => Buffer.from(bytes).toString('base64url'));
    assert.equal(new Set([...found, key.reveal()]).size, 3);
  });

  test('never prints its secret', () => {
    const secret = Buffer.alloc(32, 0xab);
    const key = new MasterKey(secret);
    const shown = [
      `${key}`,
      JSON.stringify({ key }),
      inspect({ key }, { showHidden: true, depth: 9 }),
      format('%o', key),
    ];
    for (const text of shown) {
      assert.match(text, /\[master key\]/);
      for (const form of ['hex', 'base64', 'base64url'] as const)
        assert.ok(!text.includes(secret.toString(form)), text);
      assert.doesNotMatch(text, /ab ab|171/);
    }
  });

  test('keeps its own copy of the secret', () => {
    const secret = Buffer.alloc(32, 1);
    const key = new MasterKey(secret);
    const check = keyCheck(key);
    secret.fill(0);
    verifyKeyCheck(key, check);
  });
});
