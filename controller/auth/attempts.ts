/** How often a secret may be guessed: attempts, good or bad, in a window, by what is guessed or by who guesses. */

import { PolydevError } from '@polydev/protocol';
import type { EphemeralStore } from '../store/ephemeral.ts';
import { hashSecret } from './secret.ts';

const maxAttempts = 20;
const windowMs = 15 * 60 * 1000;

/** `rate_limited` when it was one too many. */
export async function countAttempt(ephemeral: EphemeralStore, who: string): Promise<void> {
  const hits = await ephemeral.hit(`login:${hashSecret(who)}`, windowMs);
  if (hits > maxAttempts)
    throw new PolydevError('rate_limited', 'Too many attempts with a password.', {
      details: { retryAfterSeconds: windowMs / 1000 },
    });
}
