/** Personal API tokens: shown once, kept as a hash, good for some scopes and perhaps for a time. */

import { type ApiToken, type CreateApiToken, newId, PolydevError, type Scope, type User } from '@polydev/protocol';
import { and, desc, eq } from 'drizzle-orm';
import type { Database } from '../store/database.ts';
import { apiTokens, users } from '../store/schema.ts';
import { createLastUse } from './last-use.ts';
import { hashSecret, newSecret } from './secret.ts';

const prefix = 'pd_';
/** What scripts and the `polydev` command mostly do. */
const defaultScopes: Scope[] = ['run'];

export interface ApiTokens {
  list(user: User): Promise<ApiToken[]>;
  create(user: User, request: CreateApiToken): Promise<{ token: ApiToken; secret: string }>;
  /** `not_found` when it is not the user's. */
  revoke(user: User, id: ApiToken['id']): Promise<void>;
  /** Whose secret this is, and what it is good for. `not_signed_in` when its time is over. */
  find(secret: string): Promise<{ user: User; scopes: Scope[] } | null>;
}

const shown = {
  id: apiTokens.id,
  name: apiTokens.name,
  scopes: apiTokens.scopes,
  createdAtMs: apiTokens.createdAtMs,
  lastUsedAtMs: apiTokens.lastUsedAtMs,
  expiresAtMs: apiTokens.expiresAtMs,
};

export function createApiTokens(db: Database, now: () => number = Date.now): ApiTokens {
  const lastUse = createLastUse<ApiToken['id']>(
    async (id, lastUsedAtMs) => await db.update(apiTokens).set({ lastUsedAtMs }).where(eq(apiTokens.id, id)),
  );

  return {
    async list(user) {
      await lastUse.written();
      const own = eq(apiTokens.userId, user.id);
      return await db.select(shown).from(apiTokens).where(own).orderBy(desc(apiTokens.createdAtMs));
    },

    async create(user, { name, scopes = defaultScopes, expiresAtMs = null }) {
      const createdAtMs = now();
      if (expiresAtMs !== null && expiresAtMs <= createdAtMs)
        throw new PolydevError('invalid_request', 'The token would have expired already.');
      const secret = newSecret(prefix);
      const token = { id: newId('token'), name: name.trim(), scopes, createdAtMs, lastUsedAtMs: null, expiresAtMs };
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
        .select({ token: shown, user: { id: users.id, name: users.name, role: users.role } })
        .from(apiTokens)
        .innerJoin(users, eq(users.id, apiTokens.userId))
        .where(eq(apiTokens.secretHash, hashSecret(secret)));
      if (!row) return null;
      const { token, user } = row;
      const atMs = now();
      if (token.expiresAtMs !== null && token.expiresAtMs <= atMs)
        throw new PolydevError(
          'not_signed_in',
          `The API token “${token.name}” expired at ${new Date(token.expiresAtMs).toISOString()}.`,
        );
      lastUse.note(token.id, token.lastUsedAtMs, atMs);
      return { user, scopes: token.scopes };
    },
  };
}
