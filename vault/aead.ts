/** AES-256-GCM, the one cipher of the vault. */

import { type CipherKey, createCipheriv, createDecipheriv } from 'node:crypto';

const cipherName = 'aes-256-gcm';
export const keyBytes = 32;
export const nonceBytes = 12;
const tagBytes = 16;

/** The ciphertext followed by its tag. A nonce serves once under one key. */
export function encrypt(key: CipherKey, nonce: Uint8Array, plaintext: Uint8Array, associated: Uint8Array): Uint8Array {
  const cipher = createCipheriv(cipherName, key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(associated);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** Null when key, nonce, ciphertext and associated data do not belong together. */
export function decrypt(
  key: CipherKey,
  nonce: Uint8Array,
  ciphertext: Uint8Array,
  associated: Uint8Array,
): Uint8Array | null {
  const end = ciphertext.length - tagBytes;
  if (nonce.length !== nonceBytes || end < 0) return null;
  const decipher = createDecipheriv(cipherName, key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(associated);
  decipher.setAuthTag(ciphertext.subarray(end));
  const plaintext = decipher.update(ciphertext.subarray(0, end));
  try {
    return Buffer.concat([plaintext, decipher.final()]);
  } catch {
    return null;
  }
}
