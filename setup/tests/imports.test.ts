/** Enforces who may import whom (docs/architecture.md). */

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from '../paths.ts';

/** Folder → what it may import from other folders; `*` after a slash means any file of it. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  providers: ['protocol/*'],
  vault: ['protocol/*'],
  drivers: ['protocol/*'],
  hostd: ['protocol/*', 'drivers/*'],
  guest: ['protocol/*', 'providers/*', 'vault/box'],
  controller: ['protocol/*', 'providers/*', 'vault/*', 'hostd/client', 'drivers/contract'],
  image: ['protocol/*'],
  setup: ['protocol/*', 'image/*', 'drivers/*'],
  sdk: ['protocol/*'],
  cli: ['protocol/*', 'sdk/*'],
  web: ['protocol/*', 'sdk/*'],
  doubles: ['protocol/*'],
  e2e: ['protocol/*', 'sdk/*', 'doubles/*', 'setup/*', 'drivers/*'],
  bench: ['protocol/*', 'providers/*', 'image/*', 'sdk/*', 'doubles/*', 'setup/*', 'drivers/*', 'e2e/*'],
};

/** Tests may reach further: they put real parts together. */
const testsMayImport: Readonly<Record<string, readonly string[]>> = {
  controller: ['drivers/*', 'hostd/server', 'sdk/*', 'setup/test-servers', 'setup/made-database'],
  drivers: ['vault/*', 'image/*'],
  guest: ['vault/*'],
  hostd: ['image/*'],
  web: ['controller/http/headers', 'setup/dashboard'],
};

/** An import from something, the last line of a long one, one for its effect, and one while running. */
const statement = /(?:^(?:import|export|\}).*?\bfrom |^import |\bimport\()\s*['"]([^'"]+)['"]/gm;

interface Import {
  file: string;
  /** Target as a path within the project, without its ending. */
  target: string;
}

test('every import across folders is one that the architecture allows', async () => {
  const wrong: string[] = [];
  for (const { file, target } of await crossImports()) {
    const from = file.split('/')[0] ?? '';
    const isTest = /\.test\.tsx?$|\/tests?\/|\/testing\//.test(file);
    const allowed = [...(mayImport[from] ?? []), ...(isTest ? (testsMayImport[from] ?? []) : [])];
    const fits = allowed.some((rule) => (rule.endsWith('/*') ? target.startsWith(rule.slice(0, -1)) : target === rule));
    if (!fits) wrong.push(`${file} imports ${target}`);
  }
  assert.deepEqual(wrong, []);
});

test('a driver never imports another driver, and the viewer never imports the dashboard', async () => {
  const wrong: string[] = [];
  for (const { file, target } of await allImports()) {
    const driver = /^drivers\/(oci|qemu|firecracker|fake)\//.exec(file)?.[1];
    const other = /^drivers\/(oci|qemu|firecracker|fake)\//.exec(target)?.[1];
    if (driver && other && driver !== other) wrong.push(`${file} imports ${target}`);
    if (file.startsWith('web/src/viewer/') && target.startsWith('web/src/app/'))
      wrong.push(`${file} imports ${target}`);
  }
  assert.deepEqual(wrong, []);
});

test('the rules know every workspace', async () => {
  const { workspaces } = JSON.parse(await readFile(join(projectRoot, 'package.json'), 'utf8'));
  assert.deepEqual(Object.keys(mayImport).sort(), [...workspaces].sort());
});

test('every package that a workspace imports is one of its own dependencies', async () => {
  const dependenciesIn = async (folder: string) => {
    const { dependencies, devDependencies } = JSON.parse(
      await readFile(join(projectRoot, folder, 'package.json'), 'utf8'),
    );
    return Object.keys({ ...dependencies, ...devDependencies });
  };
  const ofAll = await dependenciesIn('.');
  const missing = new Set<string>();
  for (const folder of Object.keys(mayImport)) {
    const declared = new Set([...ofAll, ...(await dependenciesIn(folder)), `@polydev/${folder}`]);
    for (const { specifier } of await specifiersIn(folder)) {
      if (/^(\.|node:|virtual:)/.test(specifier)) continue;
      const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
      if (!declared.has(name)) missing.add(`${folder} imports ${name}`);
    }
  }
  assert.deepEqual([...missing], []);
});

async function crossImports(): Promise<Import[]> {
  return (await allImports()).filter(({ file, target }) => file.split('/')[0] !== target.split('/')[0]);
}

async function allImports(): Promise<Import[]> {
  const found = await Promise.all(Object.keys(mayImport).map(specifiersIn));
  return found.flat().flatMap(({ file, specifier }) => {
    const target = resolveTarget(file, specifier);
    return target ? { file, target } : [];
  });
}

async function specifiersIn(folder: string): Promise<{ file: string; specifier: string }[]> {
  const found: { file: string; specifier: string }[] = [];
  for (const entry of await readdir(join(projectRoot, folder), { recursive: true, withFileTypes: true })) {
    const file = relative(projectRoot, join(entry.parentPath, entry.name));
    if (!entry.isFile() || !/\.tsx?$/.test(file) || /node_modules|recipe\/files|\/dist\//.test(file)) continue;
    const source = await readFile(join(projectRoot, file), 'utf8');
    for (const [, specifier = ''] of source.matchAll(statement)) found.push({ file, specifier });
  }
  return found;
}

function resolveTarget(file: string, specifier: string): string | undefined {
  const own = /^@polydev\/([^/]+)(?:\/(.+))?$/.exec(specifier);
  const target = own
    ? `${own[1]}/${own[2] ?? 'index'}`
    : specifier.startsWith('.')
      ? relative(projectRoot, join(projectRoot, dirname(file), specifier))
      : undefined;
  return target?.replace(/\.tsx?$/, '');
}
