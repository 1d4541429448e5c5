/** Stores for tests: real PostgreSQL in memory, gone when the test ends. */

import type { TestContext } from 'node:test';
import { type Database, openDatabase } from './database.ts';
import type { EphemeralStore } from './ephemeral.ts';
import { createEventLog, type EventLog } from './events.ts';
import { createMemoryEphemeral } from './memory-ephemeral.ts';

export interface TestStore {
  db: Database;
  ephemeral: EphemeralStore;
  events: EventLog;
}

export async function openTestStore(t: TestContext): Promise<TestStore> {
  const database = await openDatabase({});
  const ephemeral = createMemoryEphemeral();
  t.after(async () => {
    await ephemeral.close();
    await database.close();
  });
  return { db: database.db, ephemeral, events: createEventLog(database.db, ephemeral) };
}
