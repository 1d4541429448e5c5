/**
 * Sealed boxes: how a credential travels between agent and controller. Anyone who knows the public key can seal;
 * only the holder of the private key can open.
 *
 *   shared     = X25519(ephemeral private, receiver public)
 *   key        = HKDF-SHA256(shared, salt = ephemeral public ‖ receiver public, info = "polydev box v1\0" ‖ context)
 *   ciphertext = AES-256-GCM(key, nonce, plaintext) ‖ tag
 *
 * `context` (at most 900 bytes) says what the box is for, for example which session: a box opens only in the context
 * it was sealed for.
 */

import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { PolydevError, type SealedBox } from '@polydev/protocol';
import { decrypt, encrypt, keyBytes, nonceBytes } from './aead.ts';
import { decode, encode } from './base64url.ts';

const x25519Bytes = 32;
/** PKCS #8 of an X25519 private key (RFC 8410), up to the 32 raw bytes. */
const pkcs8Prefix = Buffer.from('302e020100300506032b656e04220420', 'hex');
const label = 'polydev box v1\0';
const nothing = new Uint8Array();

/** Raw X25519 keys, 32 bytes each, base64url. */
export interface KeyPair {
  publicKey: string;
  privateKey: string;
}

export function createKeyPair(): KeyPair {
  const { privateKey } = generateKeyPairSync('x25519');
  const { d, x } = privateKey.export({ format: 'jwk' });
  return { publicKey: x ?? '', privateKey: d ?? '' };
}

export function sealTo(publicKey: string, plaintext: Uint8Array, context: string): SealedBox {
  const ephemeral = generateKeyPairSync('x25519');
  const ephemeralKey = rawPublic(ephemeral.publicKey);
  const nonce = randomBytes(nonceBytes);
  const key = agree(ephemeral.privateKey, publicKey, ephemeralKey, publicKey, context);
  return {
    v: 1,
    ephemeralKey,
    nonce: encode(nonce),
    ciphertext: encode(encrypt(key, nonce, plaintext, nothing)),
  };
}

/** Throws `invalid_request` for a box that was changed, or sealed to another key or for another context. */
export function openSealed(privateKey: string, box: SealedBox, context: string): Uint8Array {
  const own = privateKeyOf(privateKey);
  const nonce = decode(box.nonce, nonceBytes);
  const ciphertext = decode(box.ciphertext);
  if (box.v !== 1 || !nonce || !ciphertext) throw doesNotOpen();
  const key = agree(own, box.ephemeralKey, box.ephemeralKey, rawPublic(createPublicKey(own)), context);
  const plaintext = decrypt(key, nonce, ciphertext, nothing);
  if (!plaintext) throw doesNotOpen();
  return plaintext;
}

function agree(own: KeyObject, theirs: string, ephemeral: string, receiver: string, context: string): Uint8Array {
  const publicKey = publicKeyOf(theirs);
  let shared: Buffer;
  try {
    shared = diffieHellman({ privateKey: own, publicKey });
  } catch (cause) {
    // A point of low order: the shared secret would be known to everyone.
    throw doesNotOpen(cause);
  }
  const salt = Buffer.concat([Buffer.from(ephemeral, 'base64url'), Buffer.from(receiver, 'base64url')]);
  return new Uint8Array(hkdfSync('sha256', shared, salt, label + context, keyBytes));
}

function publicKeyOf(text: string): KeyObject {
  if (!decode(text, x25519Bytes)) throw new PolydevError('invalid_request', 'This is not an X25519 public key.');
  return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: text }, format: 'jwk' });
}

function privateKeyOf(text: string): KeyObject {
  const raw = decode(text, x25519Bytes);
  if (!raw) throw new PolydevError('invalid_request', 'This is not an X25519 private key.');
  return createPrivateKey({ key: Buffer.concat([pkcs8Prefix, raw]), format: 'der', type: 'pkcs8' });
}

function rawPublic(key: KeyObject): string {
  return key.export({ format: 'jwk' }).x ?? '';
}

function doesNotOpen(cause?: unknown): PolydevError {
  return new PolydevError('invalid_request', 'The sealed box does not open.', { cause });
}
