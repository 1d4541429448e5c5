import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import type { SealedBox } from '@polydev/protocol';
import { openSealed } from '../box.ts';
import { type CredentialBinding, openEnvelope } from '../envelope.ts';
import { keyCheck, parseMasterKey } from '../master-key.ts';

interface Vectors {
  boxes: { privateKey: string; context: string; plaintext: string; box: SealedBox }[];
  envelopes: { masterKey: string; binding: CredentialBinding; plaintext: string; envelope: string }[];
  keyChecks: { masterKey: string; check: string }[];
}

/** Sealed once by second-implementation.ts. They must open for ever; a new format gets a new version tag. */
const vectors: Vectors = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8'));
const text = (bytes: Uint8Array | null) => bytes && new TextDecoder().decode(bytes);

suite('what was sealed before', { timeout: 30_000 }, () => {
  for (const [index, { privateKey, context, plaintext, box }] of vectors.boxes.entries())
    test(`box ${index} opens`, () => assert.equal(text(openSealed(privateKey, box, context)), plaintext));

  for (const [index, { masterKey, binding, plaintext, envelope }] of vectors.envelopes.entries())
    test(`envelope ${index} opens`, () =>
      assert.equal(text(openEnvelope(parseMasterKey(masterKey), envelope, binding)), plaintext));

  for (const [index, { masterKey, check }] of vectors.keyChecks.entries())
    test(`key check ${index} is the same`, () => assert.equal(keyCheck(parseMasterKey(masterKey)), check));
});
