import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, lstatSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hashBase, hashImage, readRecipe } from '../recipe.ts';
import { scratchRecipe } from './scratch.ts';

const agent = Buffer.from('agent');
const timeout = 120_000;

test('two copies of a recipe have the same hash, whatever umask made them', { timeout }, (t) => {
  const [one, other] = [scratchRecipe(t), scratchRecipe(t)];
  for (const file of files(other)) {
    if (!lstatSync(file).isSymbolicLink()) chmodSync(file, statSync(file).mode & 0o700);
  }
  assert.equal(hashImage(readRecipe(one), agent), hashImage(readRecipe(other), agent));
});

test('every single file of the recipe counts', { timeout }, (t) => {
  const dir = scratchRecipe(t);
  const seen = new Set([hashImage(readRecipe(dir), agent)]);
  for (const file of files(dir)) {
    if (lstatSync(file).isSymbolicLink()) {
      rmSync(file);
      symlinkSync('/elsewhere', file);
    } else appendFileSync(file, '\n');
    const hash = hashImage(readRecipe(dir), agent);
    assert.ok(!seen.has(hash), `${file} does not count`);
    seen.add(hash);
  }
});

test('whether a file is a program counts', { timeout }, (t) => {
  const dir = scratchRecipe(t);
  const before = hashImage(readRecipe(dir), agent);
  chmodSync(join(dir, 'files/usr/lib/polydev/open-url'), 0o644);
  assert.notEqual(hashImage(readRecipe(dir), agent), before);
});

test('the agent counts, for the image but not for its slow layer', { timeout }, (t) => {
  const recipe = readRecipe(scratchRecipe(t));
  assert.notEqual(hashImage(recipe, agent), hashImage(recipe, Buffer.from('another agent')));
});

test('the processor counts', { timeout }, (t) => {
  const recipe = readRecipe(scratchRecipe(t));
  const arm = { ...recipe, architecture: { node: 'arm64', debian: 'arm64' } as const };
  const pc = { ...recipe, architecture: { node: 'x64', debian: 'amd64' } as const };
  assert.notEqual(hashBase(arm), hashBase(pc));
  assert.notEqual(hashImage(arm, agent), hashImage(pc, agent));
});

test('a change of a setting leaves the slow layer alone; a change of a package does not', { timeout }, (t) => {
  const dir = scratchRecipe(t);
  const before = hashBase(readRecipe(dir));
  appendFileSync(join(dir, 'files/etc/environment'), 'A=b\n');
  assert.equal(hashBase(readRecipe(dir)), before);
  appendFileSync(join(dir, 'packages.json'), '\n');
  assert.notEqual(hashBase(readRecipe(dir)), before);
});

test('the lock pins every package exactly, by version and integrity, and names no registry', { timeout }, () => {
  const { lock } = readRecipe();
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (path === '') continue;
    assert.match(entry.version ?? '', /^\d+\.\d+\.\d+/, path);
    assert.match(entry.integrity ?? '', /^sha512-/, path);
  }
  assert.doesNotMatch(JSON.stringify(lock), /"resolved"/);
  for (const version of Object.values(lock.packages['']?.dependencies ?? {})) assert.match(version, /^\d/);
});

function files(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
}
