/** Both formats once more, from their descriptions and on WebCrypto: what one side seals the other must open. */

import type { SealedBox } from '@polydev/protocol';
import type { CredentialBinding } from '../envelope.ts';

const { subtle } = crypto;
type Bytes = Uint8Array<ArrayBuffer>;

const utf8 = (text: string): Bytes => new TextEncoder().encode(text);
const join = (...parts: Bytes[]): Bytes => new Uint8Array(Buffer.concat(parts));
export const fromText = (text: string): Bytes => new Uint8Array(Buffer.from(text, 'base64url'));
export const toText = (bytes: ArrayBuffer | Bytes): string => Buffer.from(new Uint8Array(bytes)).toString('base64url');

async function hkdf(secret: Bytes, salt: Bytes, info: string): Promise<Bytes> {
  const key = await subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits']);
  const algorithm = { name: 'HKDF', hash: 'SHA-256', salt, info: utf8(info) };
  return new Uint8Array(await subtle.deriveBits(algorithm, key, 256));
}

async function gcm(way: 'encrypt' | 'decrypt', key: Bytes, iv: Bytes, data: Bytes, aad: string): Promise<Bytes> {
  const imported = await subtle.importKey('raw', key, 'AES-GCM', false, [way]);
  return new Uint8Array(await subtle[way]({ name: 'AES-GCM', iv, additionalData: utf8(aad) }, imported, data));
}

async function boxKey(own: CryptoKey, theirs: string, salt: Bytes, context: string): Promise<Bytes> {
  const jwk = { kty: 'OKP', crv: 'X25519', x: theirs };
  const publicKey = await subtle.importKey('jwk', jwk, 'X25519', false, []);
  const shared = new Uint8Array(await subtle.deriveBits({ name: 'X25519', public: publicKey }, own, 256));
  return hkdf(shared, salt, `polydev box v1\0${context}`);
}

export async function sealBox(publicKey: string, plaintext: Bytes, context: string): Promise<SealedBox> {
  const pair = (await subtle.generateKey('X25519', true, ['deriveBits'])) as CryptoKeyPair;
  const ephemeralKey = toText(await subtle.exportKey('raw', pair.publicKey));
  const salt = join(fromText(ephemeralKey), fromText(publicKey));
  const nonce = crypto.getRandomValues(new Uint8Array(12));
  const key = await boxKey(pair.privateKey, publicKey, salt, context);
  const ciphertext = toText(await gcm('encrypt', key, nonce, plaintext, ''));
  return { v: 1, ephemeralKey, nonce: toText(nonce), ciphertext };
}

export async function openBox(keys: { publicKey: string; privateKey: string }, box: SealedBox, context: string) {
  const jwk = { kty: 'OKP', crv: 'X25519', x: keys.publicKey, d: keys.privateKey };
  const own = await subtle.importKey('jwk', jwk, 'X25519', false, ['deriveBits']);
  const salt = join(fromText(box.ephemeralKey), fromText(keys.publicKey));
  const key = await boxKey(own, box.ephemeralKey, salt, context);
  return gcm('decrypt', key, fromText(box.nonce), fromText(box.ciphertext), '');
}

const aad = (layer: string, { userId, provider, credentialId, version }: CredentialBinding): string =>
  JSON.stringify(['polydev envelope v1', layer, userId, provider, credentialId, version]);

export async function sealEnvelope(masterKey: Bytes, plaintext: Bytes, binding: CredentialBinding): Promise<string> {
  const dataKey = crypto.getRandomValues(new Uint8Array(32));
  const wrapping = await hkdf(masterKey, new Uint8Array(), 'polydev envelope v1');
  const layer = async (key: Bytes, data: Bytes, name: string) => {
    const nonce = crypto.getRandomValues(new Uint8Array(12));
    return toText(join(nonce, await gcm('encrypt', key, nonce, data, aad(name, binding))));
  };
  return `v1.${await layer(wrapping, dataKey, 'key')}.${await layer(dataKey, plaintext, 'credential')}`;
}

export async function openEnvelope(masterKey: Bytes, text: string, binding: CredentialBinding): Promise<Bytes> {
  const [, wrapped = '', sealed = ''] = text.split('.');
  const layer = (key: Bytes, data: Bytes, name: string) =>
    gcm('decrypt', key, data.slice(0, 12), data.slice(12), aad(name, binding));
  const wrapping = await hkdf(masterKey, new Uint8Array(), 'polydev envelope v1');
  return layer(await layer(wrapping, fromText(wrapped), 'key'), fromText(sealed), 'credential');
}

export async function keyCheck(masterKey: Bytes): Promise<string> {
  return `v1.${toText(await hkdf(masterKey, new Uint8Array(), 'polydev check v1'))}`;
}
