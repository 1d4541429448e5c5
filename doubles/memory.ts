/**
 * What the doubles keep in a folder, so that who signed in stays signed in when they are started again. Nothing of it
 * opens anything but the doubles.
 */

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Memory {
  /** Undefined when nothing was kept under the name. */
  recall<T>(name: string): T | undefined;
  /** Replaces what was kept under the name, whole or not at all. */
  keep(name: string, value: unknown): void;
}

export const noMemory: Memory = { recall: () => undefined, keep() {} };

export function openMemory(folder: string): Memory {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const fileOf = (name: string) => join(folder, `${name}.json`);
  return {
    recall(name) {
      try {
        return JSON.parse(readFileSync(fileOf(name), 'utf8'));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    keep(name, value) {
      const writing = `${fileOf(name)}.writing`;
      writeFileSync(writing, JSON.stringify(value), { mode: 0o600 });
      renameSync(writing, fileOf(name));
    },
  };
}
