/** Files of the home folder, read and written with its owner's rights. */

import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { PolydevError } from '@polydev/protocol';
import { asOwner, type Owner } from './owner.ts';

export interface HomeFolder {
  readonly folder: string;
  /** Undefined when it is not there, not a plain file, or larger than `maxBytes`. */
  read(path: string, maxBytes: number): string | undefined;
  /** Mode 0600, in folders of mode 0700, in place at once. */
  write(path: string, content: string): void;
  makeFolder(path: string): void;
}

export function createHomeFolder(folder: string, owner: Owner): HomeFolder {
  function within(path: string): string {
    const clean = normalize(path);
    if (path.includes('\0') || clean.startsWith('/') || clean.startsWith('..'))
      throw new PolydevError('invalid_request', 'A path leads out of the home folder.');
    return join(folder, clean);
  }

  function makeFolder(path: string): void {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    if (path !== folder) chmodSync(path, 0o700);
  }

  return {
    folder,
    read: (path, maxBytes) => asOwner(owner, () => readPlain(within(path), maxBytes)),
    write: (path, content) =>
      asOwner(owner, () => {
        const target = within(path);
        const beside = `${target}.${randomBytes(6).toString('hex')}`;
        makeFolder(dirname(target));
        try {
          writeFileSync(beside, content, { mode: 0o600, flag: 'wx' });
          renameSync(beside, target);
        } catch (error) {
          rmSync(beside, { force: true });
          throw error;
        }
      }),
    makeFolder: (path) => asOwner(owner, () => makeFolder(within(path))),
  };
}

function readPlain(path: string, maxBytes: number): string | undefined {
  let fd: number;
  try {
    // Opening a pipe would wait for its other end.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const stat = fstatSync(fd);
    return stat.isFile() && stat.size <= maxBytes ? readFileSync(fd, 'utf8') : undefined;
  } finally {
    closeSync(fd);
  }
}
