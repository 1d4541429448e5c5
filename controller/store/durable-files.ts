/** Files of the embedded database that reach the disk when PostgreSQL asks for it; PGlite's own stay in the host's cache. */

import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { PGlite } from '@electric-sql/pglite';
import { NodeFS } from '@electric-sql/pglite/nodefs';

/** Those of PGlite but for `-F`, which tells PostgreSQL not to ask; of the ways to ask, Emscripten passes on `fsync` alone. */
export const durableParams = [
  ...PGlite.defaultStartParams.filter((param) => param !== '-F'),
  ...['-c', 'wal_sync_method=fsync'],
];

/** Of Emscripten's file system on the host's files, as much as is used here. */
interface HostFiles {
  stream_ops: { fsync?: (stream: { nfd: number }) => number };
}

/** For a thread of its own, which ends when the disk does not take what it is to take: nobody knows then what is there. */
export function createDurableFiles(dataDir: string): NodeFS {
  const files = new NodeFS(dataDir);
  const init = files.init.bind(files);
  files.init = async (...args) => {
    const { emscriptenOpts } = await init(...args);
    const addFsync = (module: unknown) => {
      const { NODEFS } = module as { NODEFS: HostFiles };
      NODEFS.stream_ops.fsync = ({ nfd }) => {
        try {
          fsyncSync(nfd);
        } catch (error) {
          // PGlite would pass over it.
          writeSync(2, `The disk did not take what the database wrote: ${(error as Error).message}\n`);
          process.exit(1);
        }
        return 0;
      };
    };
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [addFsync, ...[emscriptenOpts.preRun ?? []].flat()] } };
  };
  return files;
}

export function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
