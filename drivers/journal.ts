/**
 * One file for each sandbox, in a folder that outlives a crash. A file is written before anything of its sandbox
 * exists and removed after the last of it is gone, so the folder always names everything that may be there.
 */

import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isId, PolydevError, Profile, SandboxAddress, type SandboxId, SandboxSpec } from '@polydev/protocol';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';

/** What is written down. The token is not: whoever asked for the sandbox has it, and so has the sandbox. */
export const SandboxRecord = Type.Object({
  v: Type.Literal(1),
  driver: Type.String(),
  id: SandboxSpec.properties.id,
  profile: Profile,
  image: SandboxSpec.properties.image,
  limits: SandboxSpec.properties.limits,
  createdAtMs: Type.Integer(),
  address: SandboxAddress,
});
export type SandboxRecord = Static<typeof SandboxRecord>;

export interface Journal {
  /** Leaves nothing of it when it fails; `disk_full`. */
  write(record: SandboxRecord): Promise<void>;
  remove(id: SandboxId): Promise<void>;
  /** Everything written down. `unreadable` names files that are not ours to understand. */
  read(): Promise<{ records: SandboxRecord[]; unreadable: string[] }>;
}

const suffix = '.json';
const draft = '.new';

export function createJournal(folder: string): Journal {
  const fileOf = (id: SandboxId) => join(folder, `${id}${suffix}`);

  async function syncFolder(): Promise<void> {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  return {
    async write(record) {
      const file = fileOf(record.id);
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await writeSynced(`${file}${draft}`, `${JSON.stringify(record)}\n`);
        await rename(`${file}${draft}`, file);
        await syncFolder();
      } catch (error) {
        for (const left of [`${file}${draft}`, file]) await rm(left, { force: true }).catch(() => {});
        if (!isDiskFull(error)) throw error;
        throw new PolydevError('disk_full', 'There is no room left for the journal of sandboxes.', { cause: error });
      }
    },

    async remove(id) {
      try {
        await rm(fileOf(id));
      } catch (error) {
        if (isMissing(error)) return;
        throw error;
      }
      await syncFolder();
    },

    async read() {
      const records: SandboxRecord[] = [];
      const unreadable: string[] = [];
      for (const name of await namesIn(folder)) {
        const file = join(folder, name);
        if (name.endsWith(`${suffix}${draft}`)) {
          await rm(file, { force: true }); // a crash while writing: nothing of that sandbox exists yet
          continue;
        }
        const record = name.endsWith(suffix) ? parse(await readFile(file, 'utf8')) : undefined;
        if (record && name === `${record.id}${suffix}`) records.push(record);
        else unreadable.push(file);
      }
      return { records, unreadable };
    },
  };
}

async function writeSynced(file: string, text: string): Promise<void> {
  const handle = await open(file, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** For a driver whose sandboxes do not outlive this process. */
export function createMemoryJournal(): Journal {
  const records = new Map<SandboxId, SandboxRecord>();
  return {
    write: async (record) => void records.set(record.id, record),
    remove: async (id) => void records.delete(id),
    read: async () => ({ records: [...records.values()], unreadable: [] }),
  };
}

function parse(text: string): SandboxRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Value.Check(SandboxRecord, value) && isId('sandbox', value.id) ? value : undefined;
  } catch {
    return undefined;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

export const isMissing = (error: unknown) => hasCode(error, 'ENOENT');
const isDiskFull = (error: unknown) => hasCode(error, 'ENOSPC') || hasCode(error, 'EDQUOT');

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
