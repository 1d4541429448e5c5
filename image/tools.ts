/** The command-line tools and Node, from npm, exactly as image.lock pins them. */

import { chmodSync, cpSync, globSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PolydevError } from '@polydev/protocol';
import { runCommand, tail } from './host-command.ts';
import type { Recipe } from './recipe.ts';

/** Where the tools stand inside the image. */
const toolsPath = 'opt/tools';

/** `lock` is the build lock, for a program that may outlive us. */
export async function installTools(recipe: Recipe, rootfs: string, lock: number): Promise<void> {
  const target = join(rootfs, toolsPath);
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, 'package.json'), JSON.stringify(recipe.lock.packages['']));
  cpSync(join(recipe.dir, 'image.lock'), join(target, 'package-lock.json'));
  const result = await runCommand(
    [
      'npm',
      'ci',
      // A package's install script would run as root on the host. What scripts do is done by links below.
      '--ignore-scripts',
      '--include=optional',
      '--omit=dev',
      '--install-strategy=hoisted',
      '--no-bin-links',
      '--engine-strict=false',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ],
    { cwd: target, inherit: lock, env: { NODE_ENV: '', npm_config_global: 'false', npm_config_location: 'project' } },
  );
  if (result.code !== 0) throw installError(tail(result));
  removeMatches(join(target, 'node_modules'), recipe.trim.tools);
  linkTools(recipe, rootfs);
}

/** Deletes what the patterns name, below `root` only. */
export function removeMatches(root: string, patterns: Record<string, string[]>): void {
  for (const pattern of Object.values(patterns).flat()) {
    for (const match of globSync(pattern.replace(/^\//, ''), { cwd: root })) {
      rmSync(join(root, match), { recursive: true, force: true });
    }
  }
}

function linkTools(recipe: Recipe, rootfs: string): void {
  mkdirSync(join(rootfs, 'usr/local/bin'), { recursive: true });
  for (const [name, pattern] of Object.entries(recipe.tools)) {
    const matches = globSync(join(toolsPath, 'node_modules', pattern), { cwd: rootfs });
    const [program] = matches;
    if (program === undefined || matches.length > 1) {
      throw new PolydevError('image_broken', `${pattern} matches ${matches.length} files; ${name} needs exactly one.`);
    }
    chmodSync(join(rootfs, program), 0o755);
    const link = join(rootfs, 'usr/local/bin', name);
    rmSync(link, { force: true });
    symlinkSync(`/${program}`, link);
  }
}

function installError(said: string): PolydevError {
  if (/ENOSPC/.test(said)) return new PolydevError('disk_full', 'The disk filled up while the tools were installed.');
  if (/ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|network/i.test(said)) {
    return new PolydevError('no_network', `npm cannot reach its registry: ${said}`);
  }
  if (/ENOENT/.test(said) && /npm/.test(said)) return new PolydevError('host_lacks', 'npm is not installed.');
  return new PolydevError('image_broken', `npm could not install the tools: ${said}`);
}
