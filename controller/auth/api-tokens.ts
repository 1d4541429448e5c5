/** Personal API tokens: shown once, kept as a hash. */

import { type ApiToken, newId, PolydevError, type User } from '@polydev/protocol';
import { and, desc, eq } from 'drizzle-orm';
import type { Database } from '../store/database.ts';
import { apiTokens, users } from '../store/schema.ts';
import { hashSecret, newSecret } from './secret.ts';

const prefix = 'pd_';
/** `lastUsedAtMs` is this exact and no more, to spare a write with each request. */
const lastUsedStepMs = 60_000;

export interface ApiTokens {
  list(user: User): Promise<ApiToken[]>;
  create(user: User, name: string): Promise<{ token: ApiToken; secret: string }>;
  /** `not_found` when it is not the user's. */
  revoke(user: User, id: ApiToken['id']): Promise<void>;
  /** Whose secret this is. */
  find(secret: string): Promise<User | null>;
}

const shown = {
  id: apiTokens.id,
  name: apiTokens.name,
  createdAtMs: apiTokens.createdAtMs,
  lastUsedAtMs: apiTokens.lastUsedAtMs,
};

export function createApiTokens(db: Database, now: () => number = Date.now): ApiTokens {
  return {
    list: (user) =>
      db.select(shown).from(apiTokens).where(eq(apiTokens.userId, user.id)).orderBy(desc(apiTokens.createdAtMs)),

    async create(user, name) {
      const secret = newSecret(prefix);
      const token: ApiToken = { id: newId('token'), name: name.trim(), createdAtMs: now(), lastUsedAtMs: null };
      await db.insert(apiTokens).values({ ...token, userId: user.id, secretHash: hashSecret(secret) });
      return { token, secret };
    },

    async revoke(user, id) {
      const revoked = await db
        .delete(apiTokens)
        .where(and(eq(apiTokens.id, id), eq(apiTokens.userId, user.id)))
        .returning({ id: apiTokens.id });
      if (revoked.length === 0) throw new PolydevError('not_found', 'There is no such token.');
    },

    async find(secret) {
      if (!secret.startsWith(prefix)) return null;
      const [row] = await db
        .select({
          id: users.id,
          name: users.name,
          role: users.role,
          tokenId: apiTokens.id,
          used: apiTokens.lastUsedAtMs,
        })
        .from(apiTokens)
        .innerJoin(users, eq(users.id, apiTokens.userId))
        .where(eq(apiTokens.secretHash, hashSecret(secret)));
      if (!row) return null;
      const { tokenId, used, ...user } = row;
      const atMs = now();
      if (used === null || atMs - used >= lastUsedStepMs)
        await db.update(apiTokens).set({ lastUsedAtMs: atMs }).where(eq(apiTokens.id, tokenId));
      return user;
    },
  };
}
