/** An unpacked image as the checks see it: its files, and what its programs say when they run. */

import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { idShift } from '@polydev/protocol';
import { type CommandResult, runCommand } from '../host-command.ts';
import type { Recipe } from '../recipe.ts';

export interface Subject {
  rootfs: string;
  recipe: Recipe;
  /** Text of a file inside; undefined when it is missing. Links are followed inside the image only. */
  read(path: string): string | undefined;
  /** Where a path inside leads after all links; undefined when it leads nowhere. */
  follow(path: string): string | undefined;
  /** Everything in it; walked once. */
  entries(): Entry[];
  /** Runs a program of the image as the user `dev`, without network. */
  run(argv: readonly string[]): Promise<CommandResult>;
}

export interface Entry {
  /** Inside the image. */
  path: string;
  kind: 'file' | 'dir' | 'link' | 'other';
  mode: number;
  uid: number;
  gid: number;
}

const enter = join(import.meta.dirname, 'enter.sh');
const runTimeoutMs = 180_000;

export function createSubject(rootfs: string, recipe: Recipe): Subject {
  const follow = (path: string) => followInside(rootfs, path);
  let entries: Entry[] | undefined;
  return {
    rootfs,
    recipe,
    follow,
    entries() {
      entries ??= walk(rootfs, '/');
      return entries;
    },
    read(path) {
      const target = follow(path);
      return target === undefined ? undefined : readFileSync(join(rootfs, target), 'utf8');
    },
    run(argv) {
      const namespaces = ['unshare', '--mount', '--pid', '--net', '--ipc', '--fork', '--kill-child'];
      const uid = String(idShift + 1000);
      return runCommand([...namespaces, enter, rootfs, uid, ...argv], { timeoutMs: runTimeoutMs });
    },
  };
}

function walk(rootfs: string, path: string): Entry[] {
  const stat = lstatSync(join(rootfs, path));
  const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'dir' : stat.isSymbolicLink() ? 'link' : 'other';
  const own: Entry = { path, kind, mode: stat.mode, uid: stat.uid, gid: stat.gid };
  if (kind !== 'dir') return [own];
  return [own, ...readdirSync(join(rootfs, path)).flatMap((name) => walk(rootfs, join(path, name)))];
}

function followInside(rootfs: string, path: string): string | undefined {
  let at = '/';
  const rest = path.split('/').filter(Boolean);
  for (let links = 0; rest.length > 0; ) {
    const next = resolve(at, rest.shift() ?? '');
    const stat = lstatSync(join(rootfs, next), { throwIfNoEntry: false });
    if (!stat) return undefined;
    if (!stat.isSymbolicLink()) {
      at = next;
      continue;
    }
    links += 1;
    if (links > 40) return undefined;
    const target = resolve(dirname(next), readlinkSync(join(rootfs, next)));
    rest.unshift(...target.split('/').filter(Boolean));
    at = '/';
  }
  return at;
}
