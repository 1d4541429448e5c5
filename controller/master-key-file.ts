/** The master key at the start: given, read from its file, or made once. Never a new key over old data. */

import { chmod, open, readFile, rm, stat } from 'node:fs/promises';
import { PolydevError } from '@polydev/protocol';
import { createMasterKey, keyCheck, type MasterKey, parseMasterKey, verifyKeyCheck } from '@polydev/vault/master-key';
import { eq } from 'drizzle-orm';
import { notWritten } from './not-written.ts';
import type { Database } from './store/database.ts';
import { credentials, facts } from './store/schema.ts';

const checkFact = 'master_key_check';

export interface LoadedMasterKey {
  key: MasterKey;
  /** Null when the key was given by the environment. */
  file: string | null;
  created: boolean;
}

export interface MasterKeySource {
  /** Base64url; takes precedence. */
  given: string | null;
  file: string;
}

/** Throws `master_key_missing`, `master_key_wrong`, `host_lacks` or `disk_full`, and then has changed nothing. */
export async function loadMasterKey(db: Database, source: MasterKeySource): Promise<LoadedMasterKey> {
  const { given, file } = source;
  if (given !== null) return { key: await checked(db, parseMasterKey(given)), file: null, created: false };

  const text = await readIfThere(file);
  if (text !== null) {
    await closeToOthers(file);
    return { key: await checked(db, parseMasterKey(text)), file, created: false };
  }

  if (await hasData(db))
    throw new PolydevError('master_key_missing', `There are stored credentials, but no master key at ${file}.`);
  const key = createMasterKey();
  await writeOnce(file, `${key.reveal()}\n`);
  try {
    return { key: await checked(db, key), file, created: true };
  } catch (error) {
    // Another controller on the same database was first: its key is the right one.
    await rm(file, { force: true });
    throw error;
  }
}

/** The first key to come leaves its check; all later ones must be the same. */
async function checked(db: Database, key: MasterKey): Promise<MasterKey> {
  await db
    .insert(facts)
    .values({ name: checkFact, value: keyCheck(key) })
    .onConflictDoNothing();
  const [row] = await db.select().from(facts).where(eq(facts.name, checkFact));
  verifyKeyCheck(key, row?.value ?? '');
  return key;
}

async function hasData(db: Database): Promise<boolean> {
  const [check] = await db.select().from(facts).where(eq(facts.name, checkFact));
  const [credential] = await db.select({ id: credentials.id }).from(credentials).limit(1);
  return check !== undefined || credential !== undefined;
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new PolydevError('master_key_missing', `The master key at ${file} cannot be read: ${whyNot(cause)}.`, {
      cause,
    });
  }
}

function whyNot(cause: unknown): string {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM') return "the controller's user may not read it";
  return code === 'EISDIR' ? 'it is a folder' : (code ?? 'unknown error');
}

async function closeToOthers(file: string): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & 0o077) === 0) return;
  await chmod(file, 0o600).catch((cause) => {
    throw new PolydevError('master_key_wrong', `Others may read the master key at ${file}: give it mode 0600.`, {
      cause,
    });
  });
}

/** On disk for good before the first credential is sealed with it. */
async function writeOnce(file: string, content: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600).catch((cause) => {
    throw notWritten(`The master key ${file}`, cause);
  });
  try {
    await handle.writeFile(content);
    await handle.sync();
  } catch (cause) {
    await rm(file, { force: true });
    throw notWritten(`The master key ${file}`, cause);
  } finally {
    await handle.close();
  }
}
