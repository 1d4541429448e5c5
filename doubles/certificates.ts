/** A throw-away certificate authority and one leaf certificate for all names the doubles stand for. */

import { webcrypto } from 'node:crypto';
// tsyringe, inside x509, refuses to load without it.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import type { Memory } from './memory.ts';

const signing = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMs = 86_400_000;
/** A demo may stand for years, and nobody renews them. */
const validDays = 3650;

export interface Certificates {
  /** What a client must trust. */
  caPem: string;
  certificatePem: string;
  keyPem: string;
}

function newKeys(): Promise<CryptoKeyPair> {
  return webcrypto.subtle.generateKey(signing, true, ['sign', 'verify']) as Promise<CryptoKeyPair>;
}

function serialNumber(): string {
  // The first byte stays below 0x80, so that the number is positive.
  return `5e${Buffer.from(webcrypto.getRandomValues(new Uint8Array(15))).toString('hex')}`;
}

interface Kept extends Certificates {
  hosts: readonly string[];
}

/** Those of the last start, unless they are for other names; their authority is trusted by what started then. */
export async function keptCertificates(hosts: readonly string[], memory: Memory, atMs?: number): Promise<Certificates> {
  const kept = memory.recall<Kept>('certificates');
  if (kept && kept.hosts.join() === hosts.join()) return kept;
  const made = await createCertificates(hosts, atMs);
  memory.keep('certificates', { hosts, ...made } satisfies Kept);
  return made;
}

async function createCertificates(hosts: readonly string[], now = Date.now()): Promise<Certificates> {
  x509.cryptoProvider.set(webcrypto as Crypto);
  // A day back, for sandboxes whose clock is behind.
  const validity = { notBefore: new Date(now - dayMs), notAfter: new Date(now + validDays * dayMs) };
  const [caKeys, leafKeys] = await Promise.all([newKeys(), newKeys()]);

  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity,
    serialNumber: serialNumber(),
    name: 'CN=Polydev doubles, O=Throw-away test authority',
    keys: caKeys,
    signingAlgorithm: signing,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });

  const leaf = await x509.X509CertificateGenerator.create({
    ...validity,
    serialNumber: serialNumber(),
    subject: 'CN=Polydev doubles',
    issuer: ca.subject,
    publicKey: leafKeys.publicKey,
    signingKey: caKeys.privateKey,
    signingAlgorithm: signing,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(hosts.map((value) => ({ type: 'dns' as const, value }))),
      await x509.AuthorityKeyIdentifierExtension.create(ca),
      await x509.SubjectKeyIdentifierExtension.create(leafKeys.publicKey),
    ],
  });

  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', leafKeys.privateKey);
  return {
    caPem: ca.toString('pem'),
    certificatePem: leaf.toString('pem'),
    keyPem: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'),
  };
}
