/** Random secrets that someone carries (cookies, tokens, tickets) and the hashes that are kept of them. */

import { createHash, randomBytes } from 'node:crypto';

/** 256 bits, so a plain hash at rest is enough: there is nothing to guess. */
const secretBytes = 32;

export function newSecret(prefix = ''): string {
  return prefix + randomBytes(secretBytes).toString('base64url');
}

export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}
