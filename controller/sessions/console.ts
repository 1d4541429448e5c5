/** What the machine of a sign-in wrote to its console: live while it is there, and kept when the sign-in went badly. */

import type { SessionId } from '@polydev/protocol';
import { desc, eq, notInArray } from 'drizzle-orm';
import type { Redact } from '../credentials/redact.ts';
import { shownConsole } from '../sandboxes/console-text.ts';
import type { Store } from '../store/database.ts';
import { sessionConsoles } from '../store/schema.ts';
import { storableText } from '../store/storable.ts';

/** Of all sign-ins together, the newest. */
const keptConsoles = 200;

export interface KeptConsoles {
  keep(id: SessionId, text: string): Promise<void>;
  find(id: SessionId): Promise<string | null>;
}

export function createKeptConsoles(
  { db, patience }: Store,
  now: () => number = Date.now,
  atMost: number = keptConsoles,
): KeptConsoles {
  return {
    async keep(sessionId, text) {
      const row = { atMs: now(), text: storableText(text) };
      await patience.insist(() =>
        db
          .insert(sessionConsoles)
          .values({ sessionId, ...row })
          .onConflictDoUpdate({ target: sessionConsoles.sessionId, set: row }),
      );
      const newest = db
        .select({ id: sessionConsoles.sessionId })
        .from(sessionConsoles)
        .orderBy(desc(sessionConsoles.atMs))
        .limit(atMost);
      await patience.insist(() => db.delete(sessionConsoles).where(notInArray(sessionConsoles.sessionId, newest)));
    },

    async find(id) {
      const [row] = await db.select().from(sessionConsoles).where(eq(sessionConsoles.sessionId, id));
      return row?.text ?? null;
    },
  };
}

/** The console of the one machine that a sign-in has. */
export interface MachineConsole {
  /** Where its text comes from, from now on. */
  attach(read: () => Promise<string>): void;
  /** Takes these secrets out, from now on. */
  hide(redact: Redact): void;
  /** Never rejects: empty when there is nothing to read. */
  read(): Promise<string>;
}

export function createMachineConsole(): MachineConsole {
  const redacts: Redact[] = [];
  let source = async () => '';
  return {
    attach(read) {
      source = read;
    },
    hide(redact) {
      redacts.push(redact);
    },
    async read() {
      const text = await source().catch(() => '');
      return shownConsole(text, redacts);
    },
  };
}
