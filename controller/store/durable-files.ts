/** Files of the embedded database that reach the disk when PostgreSQL asks for it; PGlite's own stay in the host's cache. */

import { closeSync, fsyncSync, openSync } from 'node:fs';
import { PGlite } from '@electric-sql/pglite';
import { NodeFS } from '@electric-sql/pglite/nodefs';

/** Those of PGlite but for `-F`, which tells PostgreSQL not to ask; of the ways to ask, Emscripten passes on `fsync` alone. */
export const durableParams = [
  ...PGlite.defaultStartParams.filter((param) => param !== '-F'),
  ...['-c', 'wal_sync_method=fsync'],
];

/** Of Emscripten's file system on the host's files, as much as is used here. */
interface HostFiles {
  realPath(node: unknown): string;
  stream_ops: { fsync?: (stream: { node: unknown; nfd?: number }) => number };
}

export function createDurableFiles(dataDir: string): NodeFS {
  const files = new NodeFS(dataDir);
  const init = files.init.bind(files);
  files.init = async (...args) => {
    const { emscriptenOpts } = await init(...args);
    const preRun = [emscriptenOpts.preRun ?? []].flat();
    const addFsync = (module: unknown) => {
      const { NODEFS } = module as { NODEFS: HostFiles };
      NODEFS.stream_ops.fsync = ({ node, nfd }) => {
        if (nfd === undefined) syncFolder(NODEFS.realPath(node));
        else fsyncSync(nfd);
        return 0;
      };
    };
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [addFsync, ...preRun] } };
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
