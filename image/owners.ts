/** Shifts owners into the range of the sandboxes' user namespace, once a build instead of once a sandbox. */

import { chmodSync, lchownSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { idShift } from '@polydev/protocol';

/** Of the user `dev`, inside. */
export const devId = 1000;

/** Owners that are shifted already stay, so a tree can be shifted again after something was added. */
export function shiftOwners(root: string): void {
  const stat = lstatSync(root);
  if (stat.uid < idShift || stat.gid < idShift) {
    lchownSync(root, shifted(stat.uid), shifted(stat.gid));
  }
  if (stat.isDirectory()) for (const name of readdirSync(root)) shiftOwners(join(root, name));
}

/** Root's, and closed to writing by others. */
export function ownByRoot(path: string): void {
  const stat = lstatSync(path);
  lchownSync(path, 0, 0);
  if (!stat.isSymbolicLink()) chmodSync(path, stat.isDirectory() ? 0o755 : 0o644);
  if (stat.isDirectory()) for (const name of readdirSync(path)) ownByRoot(join(path, name));
}

/** Nobody in a sandbox needs to become somebody else; root of the sandbox can anyway. */
export function dropSetuid(root: string, allowed: readonly string[], path = '/'): void {
  const full = join(root, path);
  const stat = lstatSync(full);
  if (stat.isDirectory()) for (const name of readdirSync(full)) dropSetuid(root, allowed, join(path, name));
  else if (stat.isFile() && (stat.mode & 0o6000) !== 0 && !allowed.includes(path)) chmodSync(full, stat.mode & 0o777);
}

function shifted(id: number): number {
  return id < idShift ? id + idShift : id;
}
