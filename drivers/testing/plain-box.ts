/** Boxes that anyone can open, for tests of the fake itself. Others hand it the real ones. */

import { randomBytes } from 'node:crypto';
import type { Box } from '../fake/agent.ts';

export const plainBox: Box = {
  createKeyPair() {
    const key = randomBytes(32).toString('base64url');
    return { publicKey: key, privateKey: key };
  },
  sealTo(publicKey, plaintext, context) {
    return { v: 1, ephemeralKey: publicKey, nonce: context, ciphertext: Buffer.from(plaintext).toString('base64url') };
  },
  openSealed(privateKey, box, context) {
    if (box.ephemeralKey !== privateKey || box.nonce !== context) throw new Error('The sealed box does not open.');
    return Buffer.from(box.ciphertext, 'base64url');
  },
};
