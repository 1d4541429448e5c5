/** Browser logins: who proves by name and password who he is, gets a secret that a cookie carries. */

import { type Login, type LoginRequest, limits, newId, PolydevError, type User } from '@polydev/protocol';
import { and, desc, eq, gt, lte, ne } from 'drizzle-orm';
import type { Database } from '../store/database.ts';
import type { EphemeralStore } from '../store/ephemeral.ts';
import { logins, users } from '../store/schema.ts';
import { countAttempt } from './attempts.ts';
import { createLastUse } from './last-use.ts';
import { verifyPassword } from './password.ts';
import { hashSecret, newSecret } from './secret.ts';
import { cleanName } from './user-name.ts';

export interface Logins {
  /** `wrong_login`, `rate_limited`. */
  check(request: LoginRequest, address: string): Promise<User>;
  /** The secret of a new login for someone who has proved who he is. `agent`: from which browser, for people. */
  open(user: User, agent: string): Promise<string>;
  /** Whose secret this is; null when it is nobody's or its time is over. */
  find(secret: string): Promise<{ user: User; loginId: Login['id'] } | null>;
  /** Last seen first. `current`: the one that asks. */
  list(user: User, current: Login['id'] | null): Promise<Login[]>;
  /** `not_found` when it is not the user's. */
  end(user: User, id: Login['id']): Promise<void>;
  /** All but this one. */
  endOthers(user: User, current: Login['id'] | null): Promise<void>;
  logout(secret: string): Promise<void>;
}

export function createLogins(db: Database, ephemeral: EphemeralStore, now: () => number = Date.now): Logins {
  const lastUse = createLastUse<Login['id']>(
    async (id, lastSeenAtMs) => await db.update(logins).set({ lastSeenAtMs }).where(eq(logins.id, id)),
  );

  return {
    async check(request, address) {
      const name = cleanName(request.name);
      await countAttempt(ephemeral, `address ${address}`);
      await countAttempt(ephemeral, `name ${name}`);
      const [row] = await db.select().from(users).where(eq(users.name, name));
      if (!(await verifyPassword(request.password, row?.passwordHash ?? null)) || !row)
        throw new PolydevError('wrong_login', 'Name and password do not belong together.');
      return { id: row.id, name: row.name, role: row.role };
    },

    async open(user, agent) {
      const secret = newSecret();
      const createdAtMs = now();
      await db.delete(logins).where(lte(logins.expiresAtMs, createdAtMs));
      await db.insert(logins).values({
        id: newId('login'),
        userId: user.id,
        secretHash: hashSecret(secret),
        createdAtMs,
        lastSeenAtMs: createdAtMs,
        expiresAtMs: createdAtMs + limits.loginTtlMs,
        agent,
      });
      return secret;
    },

    async find(secret) {
      const atMs = now();
      const [row] = await db
        .select({ loginId: logins.id, seenAtMs: logins.lastSeenAtMs, id: users.id, name: users.name, role: users.role })
        .from(logins)
        .innerJoin(users, eq(users.id, logins.userId))
        .where(and(eq(logins.secretHash, hashSecret(secret)), gt(logins.expiresAtMs, atMs)));
      if (!row) return null;
      const { loginId, seenAtMs, ...user } = row;
      lastUse.note(loginId, seenAtMs, atMs);
      return { user, loginId };
    },

    async list(user, current) {
      await lastUse.written();
      const rows = await db
        .select()
        .from(logins)
        .where(and(eq(logins.userId, user.id), gt(logins.expiresAtMs, now())))
        .orderBy(desc(logins.lastSeenAtMs), desc(logins.createdAtMs));
      return rows.map(({ id, createdAtMs, lastSeenAtMs, expiresAtMs, agent }) => ({
        ...{ id, createdAtMs, lastSeenAtMs, expiresAtMs, agent },
        current: id === current,
      }));
    },

    async end(user, id) {
      const ended = await db
        .delete(logins)
        .where(and(eq(logins.id, id), eq(logins.userId, user.id)))
        .returning({ id: logins.id });
      if (ended.length === 0) throw new PolydevError('not_found', 'There is no such login.');
    },

    async endOthers(user, current) {
      await db.delete(logins).where(and(eq(logins.userId, user.id), current ? ne(logins.id, current) : undefined));
    },

    async logout(secret) {
      await db.delete(logins).where(eq(logins.secretHash, hashSecret(secret)));
    },
  };
}
