/**
 * For tests that are not about it: the folder of an embedded database as a first start makes it. Making one takes ten
 * seconds of a processor; it is made once for this version of it, and copied.
 */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { projectRoot } from './paths.ts';

const run = promisify(execFile);
const cache = join(projectRoot, 'node_modules/.cache/polydev-test-database');
/** The thread in which the controller makes its own. */
const making = join(projectRoot, 'controller/store/embedded-making.ts');

/** `to` is not there yet, and is of who calls this. */
export async function copyMadeDatabase(to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await run('cp', ['--archive', '--no-target-directory', await makeDatabase(), to]);
}

/** Unless it is made. Returns its folder. */
export async function makeDatabase(): Promise<string> {
  const pglite = join(projectRoot, 'node_modules/@electric-sql/pglite/package.json');
  const madeOf = await Promise.all([pglite, making].map((file) => readFile(file, 'utf8')));
  const made = join(cache, createHash('sha256').update(madeOf.join()).digest('hex'));
  if (existsSync(made)) return made;
  await mkdir(cache, { recursive: true });
  const scratch = await mkdtemp(join(cache, 'half-'));
  try {
    const dataDir = join(scratch, 'database');
    await once(new Worker(making, { workerData: { dataDir } }), 'exit');
    // Another process may have been faster.
    await rename(dataDir, made).catch((error) => {
      if (!existsSync(made)) throw error;
    });
    return made;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
