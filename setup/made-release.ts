/** One release for all tests that start the product. */

import { execFile } from 'node:child_process';
import { mkdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from './paths.ts';
import { ensureRelease } from './release.ts';

const run = promisify(execFile);
const cache = join(projectRoot, 'node_modules/.cache/polydev-test-release');

/** Once, before there are several who want it. */
export async function makeRelease(): Promise<string> {
  await mkdir(cache, { recursive: true });
  return (await ensureRelease(cache)).dir;
}

/** Links in the place of a copy of some 300 MB. Where no links lead, the product makes its own. */
export async function linkMadeRelease(releases: string): Promise<void> {
  await mkdir(releases, { recursive: true });
  const [from, to] = await Promise.all([stat(join(projectRoot, 'node_modules')), stat(releases)]);
  if (from.dev !== to.dev) return;
  const dir = await makeRelease();
  await run('cp', ['--archive', '--link', dir, releases]).catch(() =>
    rm(join(releases, basename(dir)), { recursive: true, force: true }),
  );
}
