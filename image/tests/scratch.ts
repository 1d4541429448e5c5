/** Folders and recipes that a test may spoil. */

import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { recipeDir } from '../recipe.ts';

export function scratchFolder(t: TestContext, parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, '.polydev-image-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A copy of the recipe. */
export function scratchRecipe(t: TestContext): string {
  const folder = join(scratchFolder(t), 'recipe');
  cpSync(recipeDir, folder, { recursive: true, verbatimSymlinks: true });
  return folder;
}
