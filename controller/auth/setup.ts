/** The first person: a one-time link, printed at the start, makes the owner of this installation. */

import { limits, newId, PolydevError, type SetupRequest, type User } from '@polydev/protocol';
import { eq, sql } from 'drizzle-orm';
import type { Database } from '../store/database.ts';
import { facts, users } from '../store/schema.ts';
import { hashPassword } from './password.ts';
import { hashSecret, newSecret } from './secret.ts';
import { cleanName } from './user-name.ts';

const fact = 'setup_links';
/** Links of earlier starts stay good for their time: after a restart the one on the screen still works. */
const keptLinks = 5;
/** Any constant that nothing else locks. */
const lockKey = 7_065_643;

interface SetupLink {
  hash: string;
  expiresAtMs: number;
}

export interface Setup {
  needed(): Promise<boolean>;
  /** The secret of a new link; null when there is an owner. */
  issueLink(): Promise<string | null>;
  /** Makes the owner. `already_set_up`, `wrong_setup_link`. */
  complete(request: SetupRequest): Promise<User>;
}

export function createSetup(db: Database, now: () => number = Date.now): Setup {
  const needed = async (tx: Database) => (await tx.select({ id: users.id }).from(users).limit(1)).length === 0;

  async function liveLinks(tx: Database): Promise<SetupLink[]> {
    const [row] = await tx.select().from(facts).where(eq(facts.name, fact));
    const links: SetupLink[] = row ? JSON.parse(row.value) : [];
    return links.filter((link) => link.expiresAtMs > now());
  }

  /** One at a time, in all controllers. */
  function alone<T>(work: (tx: Database) => Promise<T>): Promise<T> {
    return db.transaction(async (tx) => {
      await tx.execute(sql`select pg_advisory_xact_lock(${sql.raw(String(lockKey))})`);
      return await work(tx);
    });
  }

  async function check(tx: Database, setupToken: string): Promise<void> {
    if (!(await needed(tx))) throw new PolydevError('already_set_up', 'This Polydev has been set up.');
    const hash = hashSecret(setupToken);
    const links = await liveLinks(tx);
    if (!links.some((link) => link.hash === hash))
      throw new PolydevError('wrong_setup_link', 'This set-up link is not, or no longer, valid.');
  }

  return {
    needed: () => needed(db),

    issueLink: () =>
      alone(async (tx) => {
        if (!(await needed(tx))) return null;
        const secret = newSecret();
        const link = { hash: hashSecret(secret), expiresAtMs: now() + limits.setupLinkMs };
        const value = JSON.stringify([link, ...(await liveLinks(tx))].slice(0, keptLinks));
        await tx.insert(facts).values({ name: fact, value }).onConflictDoUpdate({ target: facts.name, set: { value } });
        return secret;
      }),

    async complete({ setupToken, name, password }) {
      // Before the costly hash, so that only who holds a link can ask for it.
      await check(db, setupToken);
      const passwordHash = await hashPassword(password);
      return await alone(async (tx) => {
        await check(tx, setupToken);
        const user: User = { id: newId('user'), name: cleanName(name), role: 'owner' };
        await tx.insert(users).values({ ...user, passwordHash, createdAtMs: now() });
        await tx.delete(facts).where(eq(facts.name, fact));
        return user;
      });
    },
  };
}
