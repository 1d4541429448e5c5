/** Files of the embedded database that reach the disk when PostgreSQL asks for it; PGlite's own stay in the host's cache. */

import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
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

/** Makes the folder of a new database, beside: it is there whole, also after a power cut, or not at all. */
export async function makeFolder(dataDir: string): Promise<void> {
  if (existsSync(join(dataDir, 'PG_VERSION'))) return;
  const half = `${dataDir}.half`;
  rmSync(half, { recursive: true, force: true });
  mkdirSync(half, { recursive: true, mode: 0o700 });
  const database = await PGlite.create({ dataDir: half });
  await database.close();
  execFileSync('sync', ['--file-system', half]); // About a thousand files, each of which would be waited for.
  renameSync(half, dataDir);
  syncFolder(dirname(dataDir));
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
