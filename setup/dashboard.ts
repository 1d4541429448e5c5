/** Builds the dashboard when its sources are newer than what was built: `web/dist`, stamped with a hash of the sources. */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PolydevError } from '@polydev/protocol';
import { projectRoot } from './paths.ts';

const run = promisify(execFile);
const stampFile = join(projectRoot, 'web/dist/.sources');

/** Returns true when it had to build. */
export async function ensureDashboard(): Promise<boolean> {
  const wanted = await hashOfSources();
  if ((await readFile(stampFile, 'utf8').catch(() => '')) === wanted) return false;
  try {
    const vite = join(projectRoot, 'node_modules/vite/bin/vite.js');
    await run(process.execPath, [vite, 'build', '--logLevel', 'error'], { cwd: join(projectRoot, 'web') });
  } catch (error) {
    throw new PolydevError('internal', 'The dashboard could not be built.', { cause: error });
  }
  await writeFile(stampFile, wanted);
  return true;
}

async function hashOfSources(): Promise<string> {
  const hash = createHash('sha256');
  const roots = ['web/src', 'web/public', 'protocol', 'sdk'];
  const files = ['web/index.html', 'web/vite.config.ts', 'web/package.json', 'package-lock.json'];
  for (const root of roots) {
    const entries = await readdir(join(projectRoot, root), { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of entries) if (entry.isFile()) files.push(join(entry.parentPath, entry.name));
  }
  for (const file of files.map((path) => path.replace(`${projectRoot}/`, '')).sort()) {
    hash.update(`\0${file}\0`).update(await readFile(join(projectRoot, file)));
  }
  return hash.digest('hex');
}
