/** The golden image as data: what stands in recipe/, and the hash that names what is built from it. */

import { createHash, type Hash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { idShift, PolydevError } from '@polydev/protocol';

export interface Recipe {
  dir: string;
  architecture: Architecture;
  packages: { packages: string[]; leaveOut: string[] };
  /** Why → path patterns to remove, below the root file system or below node_modules. */
  trim: { system: Record<string, string[]>; tools: Record<string, string[]> };
  /** Name in /usr/local/bin → pattern below node_modules that matches one file. */
  tools: Record<string, string>;
  /** Commands that are run once at build, so that what Node compiles for them is kept. */
  warm: string[][];
  units: { enable: string[]; mask: string[] };
  /** Paths that may keep a setuid or setgid bit. */
  setuidAllowed: string[];
  lock: ToolLock;
}

/** An npm lock file; its root entry doubles as the package.json. */
export interface ToolLock {
  packages: Record<string, LockedPackage>;
}

interface LockedPackage {
  version?: string;
  integrity?: string;
  dependencies?: Record<string, string>;
}

/** Node's name, and Debian's for the same processor. */
export type Architecture = { node: 'x64'; debian: 'amd64' } | { node: 'arm64'; debian: 'arm64' };

export const recipeDir = join(import.meta.dirname, 'recipe');

export function readRecipe(dir = recipeDir): Recipe {
  const data = (name: string) => JSON.parse(readFileSync(join(dir, name), 'utf8'));
  return {
    dir,
    architecture: hostArchitecture(),
    packages: data('packages.json'),
    trim: data('trim.json'),
    tools: data('tools.json'),
    warm: data('warm.json'),
    units: data('units.json'),
    setuidAllowed: data('setuid-allowed.json'),
    lock: data('image.lock'),
  };
}

/** Names the slow layer: Debian packages and tools. */
export function hashBase(recipe: Recipe): string {
  const hash = createHash('sha256').update(`base ${recipe.architecture.node} ${idShift}\n`);
  for (const name of ['packages.json', 'trim.json', 'tools.json', 'warm.json', 'image.lock'])
    hashTree(hash, recipe.dir, name);
  // The steps are part of what the layer is, as much as the data they work on.
  for (const name of ['base.ts', 'tools.ts', 'owners.ts']) hashTree(hash, import.meta.dirname, name);
  return hash.digest('hex');
}

/** Names the image: the slow layer, every file of the recipe, and the agent. */
export function hashImage(recipe: Recipe, agentBundle: Uint8Array): string {
  const hash = createHash('sha256').update(`image ${hashBase(recipe)}\n`);
  hashTree(hash, recipe.dir, '.');
  hashTree(hash, import.meta.dirname, 'layer.ts');
  return hash.update('agent\0').update(agentBundle).digest('hex');
}

/** Only the executable bit of a mode counts: a clone made under another umask is the same recipe. */
export function isExecutable(mode: number): boolean {
  return (mode & 0o100) !== 0;
}

function hashTree(hash: Hash, root: string, path: string): void {
  const full = join(root, path);
  const stat = lstatSync(full);
  if (stat.isDirectory()) {
    for (const name of readdirSync(full).sort()) hashTree(hash, root, join(path, name));
    return;
  }
  const content = stat.isSymbolicLink() ? Buffer.from(readlinkSync(full)) : readFileSync(full);
  const kind = stat.isSymbolicLink() ? 'link' : isExecutable(stat.mode) ? 'program' : 'file';
  hash.update(`${kind}\0${path}\0${content.length}\0`).update(content);
}

function hostArchitecture(): Architecture {
  if (process.arch === 'x64') return { node: 'x64', debian: 'amd64' };
  if (process.arch === 'arm64') return { node: 'arm64', debian: 'arm64' };
  throw new PolydevError('host_lacks', `The tools are not published for ${process.arch}; x64 and arm64 are.`);
}
