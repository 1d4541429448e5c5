/**
 * A credential, or another secret, at rest: `v1.<wrapped data key>.<sealed credential>`, each part base64url of nonce ‖ ciphertext ‖ tag.
 * The credential is under a data key of its own, the data key is under the master key, and both are bound to the
 * place where the record stands, so that one moved elsewhere does not open.
 */

import { type CipherKey, randomBytes } from 'node:crypto';
import { PolydevError, type ProviderId } from '@polydev/protocol';
import { decrypt, encrypt, keyBytes, nonceBytes } from './aead.ts';
import { decode, encode } from './base64url.ts';
import type { MasterKey } from './master-key.ts';

const tag = 'v1';

/** The record that an envelope belongs to: a credential, or a sandbox whose agent is to be talked to again. */
export type Binding = CredentialBinding | { sandboxId: string };

export interface CredentialBinding {
  userId: string;
  provider: ProviderId;
  credentialId: string;
  /** Counts the write-backs of the credential. */
  version: number;
}

export function sealEnvelope(masterKey: MasterKey, plaintext: Uint8Array, binding: Binding): string {
  const dataKey = randomBytes(keyBytes);
  const wrapped = seal(wrappingKey(masterKey), dataKey, associated('key', binding));
  const sealed = seal(dataKey, plaintext, associated('credential', binding));
  dataKey.fill(0);
  return [tag, wrapped, sealed].join('.');
}

/** Null: not an envelope of this version. Throws `credential_moved`: one, but it does not open here. */
export function openEnvelope(masterKey: MasterKey, text: string, binding: Binding): Uint8Array | null {
  const [found, wrapped, sealed, ...rest] = text.split('.');
  if (found !== tag) return null;
  if (wrapped === undefined || sealed === undefined || rest.length > 0) throw moved(binding);
  const dataKey = open(wrappingKey(masterKey), wrapped, associated('key', binding));
  if (dataKey?.length !== keyBytes) throw moved(binding);
  const plaintext = open(dataKey, sealed, associated('credential', binding));
  dataKey.fill(0);
  if (!plaintext) throw moved(binding);
  return plaintext;
}

/** The same credential for the same place under another master key and a fresh data key. Null and throws: as above. */
export function rotateEnvelope(oldKey: MasterKey, newKey: MasterKey, text: string, binding: Binding): string | null {
  const plaintext = openEnvelope(oldKey, text, binding);
  return plaintext && sealEnvelope(newKey, plaintext, binding);
}

function wrappingKey(masterKey: MasterKey): Uint8Array {
  return masterKey.derive('envelope v1');
}

function associated(layer: 'key' | 'credential', binding: Binding): Uint8Array {
  const place =
    'sandboxId' in binding
      ? ['sandbox', binding.sandboxId]
      : [binding.userId, binding.provider, binding.credentialId, binding.version];
  return Buffer.from(JSON.stringify(['polydev envelope v1', layer, ...place]));
}

function seal(key: CipherKey, plaintext: Uint8Array, associatedData: Uint8Array): string {
  const nonce = randomBytes(nonceBytes);
  return encode(Buffer.concat([nonce, encrypt(key, nonce, plaintext, associatedData)]));
}

function open(key: CipherKey, text: string, associatedData: Uint8Array): Uint8Array | null {
  const bytes = decode(text);
  return bytes && decrypt(key, bytes.subarray(0, nonceBytes), bytes.subarray(nonceBytes), associatedData);
}

function moved(binding: Binding): PolydevError {
  const details: Record<string, string | number> =
    'sandboxId' in binding
      ? { sandboxId: binding.sandboxId }
      : { credentialId: binding.credentialId, version: binding.version };
  return new PolydevError('credential_moved', 'A stored secret does not open where it stands.', { details });
}
