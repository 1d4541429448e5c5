/** What people change about themselves: their name and their password. */

import {
  type ChangePassword,
  type ChangeProfile,
  type Login,
  PolydevError,
  type User,
  type UserId,
} from '@polydev/protocol';
import { and, eq, ne } from 'drizzle-orm';
import type { Database } from '../store/database.ts';
import type { EphemeralStore } from '../store/ephemeral.ts';
import { logins, users } from '../store/schema.ts';
import { isUniqueViolation } from '../store/unique-violation.ts';
import { countAttempt } from './attempts.ts';
import { hashPassword, verifyPassword } from './password.ts';
import { cleanName } from './user-name.ts';

export interface Profile {
  /** `name_taken`. */
  change(user: User, change: ChangeProfile): Promise<User>;
  /** Ends every login but `current`; API tokens stay. `wrong_password`, `rate_limited`. */
  changePassword(user: User, current: Login['id'] | null, change: ChangePassword): Promise<void>;
}

export function createProfile(db: Database, ephemeral: EphemeralStore): Profile {
  async function hashOf(id: UserId): Promise<string | null> {
    const [row] = await db.select({ hash: users.passwordHash }).from(users).where(eq(users.id, id));
    return row?.hash ?? null;
  }

  return {
    async change(user, change) {
      const name = cleanName(change.name);
      try {
        await db.update(users).set({ name }).where(eq(users.id, user.id));
      } catch (error) {
        if (isUniqueViolation(error)) throw new PolydevError('name_taken', 'Someone else here has this name.');
        throw error;
      }
      return { ...user, name };
    },

    async changePassword(user, current, { password, newPassword }) {
      await countAttempt(ephemeral, `password of ${user.id}`);
      const present = await hashOf(user.id);
      if (!present || !(await verifyPassword(password, present)))
        throw new PolydevError('wrong_password', 'That is not the present password.');
      const passwordHash = await hashPassword(newPassword);
      await db.transaction(async (tx) => {
        const changed = await tx
          .update(users)
          .set({ passwordHash })
          .where(and(eq(users.id, user.id), eq(users.passwordHash, present)))
          .returning({ id: users.id });
        if (changed.length === 0)
          throw new PolydevError('wrong_password', 'The password was changed elsewhere in the same moment.');
        await tx.delete(logins).where(and(eq(logins.userId, user.id), current ? ne(logins.id, current) : undefined));
      });
    },
  };
}
