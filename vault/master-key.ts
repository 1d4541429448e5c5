/** The key over all credentials at rest, and how to tell that it is the right one. */

import { createSecretKey, hkdfSync, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';
import { inspect } from 'node:util';
import { PolydevError } from '@polydev/protocol';
import { keyBytes } from './aead.ts';
import { decode, encode } from './base64url.ts';

const checkTag = 'v1';

/** Holds the secret without showing it: printing, logging or serialising one gives a placeholder. */
export class MasterKey {
  readonly #key: KeyObject;

  /** `secret` is 32 bytes. */
  constructor(secret: Uint8Array) {
    if (secret.length !== keyBytes) throw new PolydevError('master_key_wrong', 'A master key has 32 bytes.');
    this.#key = createSecretKey(secret);
  }

  /** A 32-byte key for one purpose, from which the master key cannot be found. */
  derive(purpose: string): Uint8Array {
    return new Uint8Array(hkdfSync('sha256', this.#key, new Uint8Array(), `polydev ${purpose}`, keyBytes));
  }

  /** The secret itself, base64url: only for the file that keeps it. */
  reveal(): string {
    return encode(this.#key.export());
  }

  toString(): string {
    return '[master key]';
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

export function createMasterKey(): MasterKey {
  return new MasterKey(randomBytes(keyBytes));
}

/** From base64url of 32 bytes; space around it does not count. */
export function parseMasterKey(text: string): MasterKey {
  const secret = decode(text.trim(), keyBytes);
  if (!secret) throw new PolydevError('master_key_wrong', 'The master key is not 32 bytes in base64url.');
  return new MasterKey(secret);
}

/** A value to keep beside the data, which says nothing about the key but whether it is the same. */
export function keyCheck(masterKey: MasterKey): string {
  return `${checkTag}.${encode(masterKey.derive('check v1'))}`;
}

/** Throws `master_key_wrong` unless this is the key that the check was made with. */
export function verifyKeyCheck(masterKey: MasterKey, check: string): void {
  const expected = Buffer.from(keyCheck(masterKey));
  const found = Buffer.from(check);
  if (expected.length !== found.length || !timingSafeEqual(expected, found))
    throw new PolydevError('master_key_wrong', 'The master key is not the one that this vault was sealed with.');
}
