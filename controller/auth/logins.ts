/** Browser logins: who proves by name and password who he is, gets a secret that a cookie carries. */

import { type LoginRequest, limits, newId, PolydevError, type User } from '@polydev/protocol';
import { and, eq, gt, lte } from 'drizzle-orm';
import type { Database } from '../store/database.ts';
import type { EphemeralStore } from '../store/ephemeral.ts';
import { logins, users } from '../store/schema.ts';
import { verifyPassword } from './password.ts';
import { hashSecret, newSecret } from './secret.ts';
import { cleanName } from './user-name.ts';

/** Attempts, good or bad, in a window; the same for one name and for one address. */
export const loginAttempts = { max: 20, windowMs: 15 * 60 * 1000 } as const;

export interface Logins {
  /** `wrong_login`, `rate_limited`. */
  check(request: LoginRequest, address: string): Promise<User>;
  /** The secret of a new login for someone who has proved who he is. */
  open(user: User): Promise<string>;
  /** Whose secret this is; null when it is nobody's or its time is over. */
  find(secret: string): Promise<User | null>;
  logout(secret: string): Promise<void>;
}

export function createLogins(db: Database, ephemeral: EphemeralStore, now: () => number = Date.now): Logins {
  async function count(who: string): Promise<void> {
    const hits = await ephemeral.hit(`login:${hashSecret(who)}`, loginAttempts.windowMs);
    if (hits > loginAttempts.max)
      throw new PolydevError('rate_limited', 'Too many attempts to sign in.', {
        details: { retryAfterSeconds: loginAttempts.windowMs / 1000 },
      });
  }

  return {
    async check(request, address) {
      const name = cleanName(request.name);
      await count(`address ${address}`);
      await count(`name ${name}`);
      const [row] = await db.select().from(users).where(eq(users.name, name));
      if (!(await verifyPassword(request.password, row?.passwordHash ?? null)) || !row)
        throw new PolydevError('wrong_login', 'Name and password do not belong together.');
      return { id: row.id, name: row.name, role: row.role };
    },

    async open(user) {
      const secret = newSecret();
      const createdAtMs = now();
      await db.delete(logins).where(lte(logins.expiresAtMs, createdAtMs));
      await db.insert(logins).values({
        id: newId('login'),
        userId: user.id,
        secretHash: hashSecret(secret),
        createdAtMs,
        expiresAtMs: createdAtMs + limits.loginTtlMs,
      });
      return secret;
    },

    async find(secret) {
      const [row] = await db
        .select({ id: users.id, name: users.name, role: users.role })
        .from(logins)
        .innerJoin(users, eq(users.id, logins.userId))
        .where(and(eq(logins.secretHash, hashSecret(secret)), gt(logins.expiresAtMs, now())));
      return row ?? null;
    },

    async logout(secret) {
      await db.delete(logins).where(eq(logins.secretHash, hashSecret(secret)));
    },
  };
}
