/** What takes a person's secrets out of a text: every credential of one tool that the vault holds, proved or not. */

import { PolydevError } from '@polydev/protocol';
import { and, eq } from 'drizzle-orm';
import { createRedact, type Redact } from '../credentials/redact.ts';
import type { Vault } from '../credentials/vault.ts';
import type { Database } from '../store/database.ts';
import { credentials } from '../store/schema.ts';
import type { SandboxFacts } from './sandbox-facts.ts';

export function createKnownSecrets(db: Database, vault: Pick<Vault, 'open'>) {
  return async ({ userId, provider }: SandboxFacts): Promise<Redact[]> => {
    if (!userId || !provider) return [];
    const rows = await db
      .select({ id: credentials.id })
      .from(credentials)
      .where(and(eq(credentials.userId, userId), eq(credentials.provider, provider)));
    const opened = await Promise.all(rows.map(({ id }) => vault.open(id).catch(noneWhereNoneIs)));
    return opened.flatMap((found) => (found ? [createRedact(found.bundle)] : []));
  };
}

/** One that is gone by now, or does not open, is known to nobody here. */
function noneWhereNoneIs(error: unknown): null {
  if (error instanceof PolydevError && (error.code === 'no_credential' || error.code === 'credential_moved'))
    return null;
  throw error;
}
