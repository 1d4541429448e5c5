/** Signs JSON web tokens with a key of its own, made at start. */

import { generateKeyPairSync, sign } from 'node:crypto';

export type SignJwt = (claims: Record<string, unknown>) => string;

export function createJwtSigner(): SignJwt {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const header = encode({ alg: 'ES256', typ: 'JWT', kid: 'polydev-double' });
  return (claims) => {
    const signed = `${header}.${encode(claims)}`;
    const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    return `${signed}.${signature.toString('base64url')}`;
  };
}
