import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { SealedBox } from '@polydev/protocol';
import fc from 'fast-check';
import { Value } from 'typebox/value';
import { createKeyPair, openSealed, sealTo } from '../box.ts';
import { bytes, flipBit, withCode } from './helpers.ts';
import * as second from './second-implementation.ts';

const keys = createKeyPair();
const refused = withCode('invalid_request');
const context = fc.string({ maxLength: 200 });

suite('a sealed box', { timeout: 60_000 }, () => {
  test('gives back any plaintext to its receiver in its context, and fits the protocol', () => {
    fc.assert(
      fc.property(bytes, context, (plaintext, where) => {
        const box = sealTo(keys.publicKey, plaintext, where);
        assert.ok(Value.Check(SealedBox, JSON.parse(JSON.stringify(box))));
        assert.deepEqual(Buffer.from(openSealed(keys.privateKey, box, where)), Buffer.from(plaintext));
      }),
    );
  });

  test('does not open when any bit of any field was turned', () => {
    const fields = fc.constantFrom('ephemeralKey', 'nonce', 'ciphertext');
    fc.assert(
      fc.property(bytes, fields, fc.nat(), (plaintext, field, at) => {
        const box = sealTo(keys.publicKey, plaintext, 'here');
        const changed = { ...box, [field]: flipBit(box[field], at) };
        assert.throws(() => openSealed(keys.privateKey, changed, 'here'), refused);
      }),
      { numRuns: 500 },
    );
  });

  test('does not open for another receiver or in another context', () => {
    const box = sealTo(keys.publicKey, Buffer.from('secret'), 'here');
    assert.throws(() => openSealed(createKeyPair().privateKey, box, 'here'), refused);
    fc.assert(
      fc.property(context, (where) => {
        fc.pre(where !== 'here');
        assert.throws(() => openSealed(keys.privateKey, box, where), refused);
      }),
    );
  });

  test('is refused, not half-read, when its fields are arbitrary text', () => {
    const text = fc.string();
    fc.assert(
      fc.property(text, text, text, (ephemeralKey, nonce, ciphertext) => {
        const box: SealedBox = { v: 1, ephemeralKey, nonce, ciphertext };
        assert.throws(() => openSealed(keys.privateKey, box, ''), refused);
      }),
    );
  });

  test('has one spelling: padding or spare bits in base64url are refused', () => {
    const box = sealTo(keys.publicKey, Buffer.from('a'), '');
    for (const ciphertext of [`${box.ciphertext}=`, ` ${box.ciphertext}`, box.ciphertext.replace(/.$/, '_')])
      if (ciphertext !== box.ciphertext)
        assert.throws(() => openSealed(keys.privateKey, { ...box, ciphertext }, ''), refused);
  });

  test('is never sealed to a key of low order or of the wrong length', () => {
    for (const point of [Buffer.alloc(32), Buffer.from([1, ...Buffer.alloc(31)]), Buffer.alloc(31, 9)])
      assert.throws(() => sealTo(point.toString('base64url'), Buffer.from('a'), ''), refused);
  });

  test('is different every time', () => {
    const seal = () => sealTo(keys.publicKey, Buffer.from('a'), '');
    const [a, b] = [seal(), seal()];
    for (const field of ['ephemeralKey', 'nonce', 'ciphertext'] as const) assert.notEqual(a[field], b[field]);
  });

  test('opens across two independent implementations, both ways', async () => {
    const plaintext = second.fromText('AAECAwQ');
    const ours = sealTo(keys.publicKey, plaintext, 'across');
    assert.deepEqual(await second.openBox(keys, ours, 'across'), plaintext);
    const theirs = await second.sealBox(keys.publicKey, plaintext, 'across');
    assert.deepEqual(Buffer.from(openSealed(keys.privateKey, theirs, 'across')), Buffer.from(plaintext));
  });
});
