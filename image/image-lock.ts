/** Moves the pinned tools: `updateLock(['@openai/codex@0.170.0'])` rewrites recipe/image.lock and nothing else. */

import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PolydevError } from '@polydev/protocol';
import { runCommand, tail } from './host-command.ts';
import { recipeDir, type ToolLock } from './recipe.ts';

export async function updateLock(packages: readonly string[], lockFile = join(recipeDir, 'image.lock')): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'polydev-lock-'));
  try {
    const lock: ToolLock = JSON.parse(readFileSync(lockFile, 'utf8'));
    writeFileSync(join(dir, 'package.json'), JSON.stringify(lock.packages['']));
    copyFileSync(lockFile, join(dir, 'package-lock.json'));
    const options = ['--package-lock-only', '--ignore-scripts', '--save-exact', '--omit-lockfile-registry-resolved'];
    const result = await runCommand(['npm', 'install', ...options, ...packages], { cwd: dir });
    if (result.code !== 0) throw new PolydevError('no_network', `npm could not resolve the tools: ${tail(result)}`);
    copyFileSync(join(dir, 'package-lock.json'), lockFile);
  } finally {
    rmSync(dir, { recursive: true });
  }
}
