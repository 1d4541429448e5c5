/**
 * Watches files through their folders, so that a rename over a file and a write into it are both seen. Parent folders
 * are watched too: a folder that is removed, replaced or made later is found again.
 */

import { type FSWatcher, statSync, watch } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';

interface Armed {
  watcher: FSWatcher;
  /** Tells a folder from another that took its name. */
  identity: string;
}

/**
 * `changed` is called after anything that may have changed one of the files, `failed` when the system refuses a watch
 * on a folder that is there. Paths are relative to `root`.
 */
export function watchFiles(options: {
  root: string;
  files: readonly string[];
  folders: readonly string[];
  changed: () => void;
  failed: (error: unknown) => void;
}): { close(): void } {
  const names = namesByFolder(options);
  const armed = new Map<string, Armed>();
  let closed = false;

  /** Watches what is there and not yet watched. True when something was. */
  function arm(): boolean {
    let fresh = false;
    for (const [folder, wanted] of names) {
      const identity = identityOf(folder);
      if (armed.get(folder)?.identity === identity) continue;
      armed.get(folder)?.watcher.close();
      armed.delete(folder);
      const watcher = identity && tryWatch(folder, (name) => seen(name, wanted), options.failed);
      if (!identity || !watcher) continue;
      armed.set(folder, { watcher, identity });
      fresh = true;
    }
    return fresh;
  }

  function seen(name: string | null, wanted: ReadonlySet<string>): void {
    if (closed || (name !== null && !wanted.has(name))) return;
    // A folder found only now may hold more that is to be watched.
    while (arm());
    options.changed();
  }

  while (arm());
  return {
    close() {
      closed = true;
      for (const { watcher } of armed.values()) watcher.close();
      armed.clear();
    },
  };
}

/** For each folder to watch, outermost first, the names in it that matter. */
function namesByFolder(options: { root: string; files: readonly string[]; folders: readonly string[] }) {
  const names = new Map<string, Set<string>>([[options.root, new Set()]]);
  const add = (path: string) => {
    const folder = dirname(path);
    if (relative(options.root, folder) !== '') add(folder);
    const known = names.get(folder) ?? new Set();
    names.set(folder, known.add(basename(path)));
  };
  for (const folder of options.folders) if (folder !== '') add(join(options.root, folder));
  for (const file of options.files) add(join(options.root, file));
  return names;
}

/** Undefined for what is no folder, or leads nowhere. */
function identityOf(folder: string): string | undefined {
  try {
    const stat = statSync(folder, { bigint: true });
    // A number is given again to the next folder, a birth time is not.
    return stat.isDirectory() ? `${stat.dev}:${stat.ino}:${stat.birthtimeNs}` : undefined;
  } catch {
    return undefined;
  }
}

function tryWatch(
  folder: string,
  seen: (name: string | null) => void,
  failed: (error: unknown) => void,
): FSWatcher | undefined {
  try {
    const watcher = watch(folder, (_type, name) => seen(name));
    watcher.on('error', (error) => {
      watcher.close();
      failed(error);
    });
    return watcher;
  } catch (error) {
    if (!wentAway(error)) failed(error);
    return undefined;
  }
}

/** Between the look at a folder and the watch on it. */
function wentAway(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
