/**
 * A thread of `embedded.ts` that makes the folder of a new database, beside its place: it is there whole, also after a
 * power cut, or not at all. What making it took of memory goes with the thread.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { syncFolder } from './durable-files.ts';
import { plainError } from './embedded-error.ts';

const { dataDir } = workerData as { dataDir: string };
const half = `${dataDir}.half`;
const removeHalf = () => rmSync(half, { recursive: true, force: true });

removeHalf();
try {
  mkdirSync(half, { recursive: true, mode: 0o700 });
  const database = await PGlite.create({ dataDir: half });
  await database.close();
  execFileSync('sync', ['--file-system', half]); // About a thousand files, each of which would be waited for.
  renameSync(half, dataDir);
  syncFolder(dirname(dataDir));
} catch (error) {
  removeHalf();
  const plain = plainError(error);
  throw Object.assign(new Error(plain.message, { cause: error instanceof Error ? error : undefined }), plain);
}
