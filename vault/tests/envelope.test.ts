import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { providerIds } from '@polydev/protocol';
import fc from 'fast-check';
import { type Binding, type CredentialBinding, openEnvelope, rotateEnvelope, sealEnvelope } from '../envelope.ts';
import { createMasterKey, parseMasterKey } from '../master-key.ts';
import { bytes, flipBit, withCode } from './helpers.ts';
import * as second from './second-implementation.ts';

const masterKey = createMasterKey();
const moved = withCode('credential_moved');
const binding: fc.Arbitrary<Binding> = fc.oneof(
  fc.record({
    userId: fc.string(),
    provider: fc.constantFrom(...providerIds),
    credentialId: fc.string(),
    version: fc.nat(),
  }),
  fc.record({ sandboxId: fc.string() }),
);
const place: CredentialBinding = { userId: 'usr_a', provider: 'claude_code', credentialId: 'crd_a', version: 1 };

suite('an envelope', { timeout: 60_000 }, () => {
  test('gives back any plaintext where it stands', () => {
    fc.assert(
      fc.property(bytes, binding, (plaintext, where) => {
        const opened = openEnvelope(masterKey, sealEnvelope(masterKey, plaintext, where), where);
        assert.deepEqual(opened && Buffer.from(opened), Buffer.from(plaintext));
      }),
    );
  });

  test('does not open when any bit of either layer was turned', () => {
    fc.assert(
      fc.property(bytes, fc.constantFrom(1, 2), fc.nat(), (plaintext, part, at) => {
        const parts = sealEnvelope(masterKey, plaintext, place).split('.');
        parts[part] = flipBit(parts[part] ?? '', at);
        assert.throws(() => openEnvelope(masterKey, parts.join('.'), place), moved);
      }),
      { numRuns: 500 },
    );
  });

  test('does not open at any other place', () => {
    fc.assert(
      fc.property(bytes, binding, binding, (plaintext, from, to) => {
        fc.pre(JSON.stringify(Object.values(from)) !== JSON.stringify(Object.values(to)));
        const text = sealEnvelope(masterKey, plaintext, from);
        assert.throws(() => openEnvelope(masterKey, text, to), moved);
      }),
    );
    const text = sealEnvelope(masterKey, Buffer.from('a'), place);
    const changes: Partial<CredentialBinding>[] = [
      { userId: 'usr_b' },
      { provider: 'openai_codex' },
      { credentialId: 'crd_b' },
      { version: 2 },
      { userId: 'usr_a"', credentialId: 'crd_a' },
    ];
    for (const change of changes)
      assert.throws(() => openEnvelope(masterKey, text, { ...place, ...change }), moved, JSON.stringify(change));
  });

  test('does not open with layers of two envelopes of the same place put together', () => {
    const [tag, key] = sealEnvelope(masterKey, Buffer.from('a'), place).split('.');
    const [, , body] = sealEnvelope(masterKey, Buffer.from('a'), place).split('.');
    assert.throws(() => openEnvelope(masterKey, [tag, key, body].join('.'), place), moved);
    assert.throws(() => openEnvelope(masterKey, [tag, key, key].join('.'), place), moved);
  });

  test('does not open under another master key', () => {
    const text = sealEnvelope(masterKey, Buffer.from('a'), place);
    assert.throws(() => openEnvelope(createMasterKey(), text, place), moved);
  });

  test('of another version is not ours: null, so that a later version can be tried beside this one', () => {
    const [, ...rest] = sealEnvelope(masterKey, Buffer.from('a'), place).split('.');
    for (const text of ['', 'v2', ['v2', ...rest].join('.'), 'a.b.c'])
      assert.equal(openEnvelope(masterKey, text, place), null);
  });

  test('of this version but of another shape throws', () => {
    const whole = sealEnvelope(masterKey, Buffer.from('a'), place);
    for (const text of [
      'v1',
      'v1.',
      'v1.a.b',
      'v1..',
      `${whole}.`,
      `${whole}=`,
      whole.slice(0, -1),
      whole.slice(0, 60),
    ])
      assert.throws(() => openEnvelope(masterKey, text, place), moved, text);
  });

  test('rotates: afterwards the new master key opens it and the old one does not', () => {
    const newKey = createMasterKey();
    const text = rotateEnvelope(masterKey, newKey, sealEnvelope(masterKey, Buffer.from('a'), place), place);
    assert.ok(text);
    assert.deepEqual(openEnvelope(newKey, text, place)?.toString(), 'a');
    assert.throws(() => openEnvelope(masterKey, text, place), moved);
    assert.equal(rotateEnvelope(masterKey, newKey, 'v2.a.b', place), null);
    assert.throws(() => rotateEnvelope(masterKey, newKey, text, place), moved);
  });

  test('opens across two independent implementations, both ways', async () => {
    const secret = crypto.getRandomValues(new Uint8Array(32));
    const key = parseMasterKey(second.toText(secret));
    const plaintext = second.fromText('AAECAwQ');
    assert.deepEqual(await second.openEnvelope(secret, sealEnvelope(key, plaintext, place), place), plaintext);
    const theirs = openEnvelope(key, await second.sealEnvelope(secret, plaintext, place), place);
    assert.deepEqual(theirs && Buffer.from(theirs), Buffer.from(plaintext));
  });
});
