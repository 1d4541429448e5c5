// Makes node_modules match package-lock.json. Plain JavaScript without dependencies: it runs before any is
// installed, on whatever Node (20 or newer) the machine has.

import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const pinnedNode = join(root, 'node_modules/.bin/node');

if (!isInstalled()) {
  const [major] = process.versions.node.split('.').map(Number);
  if (major < 20) {
    fail(
      `Polydev needs Node.js 20 or newer; this is ${process.versions.node}.`,
      'Install a newer one, then try again.',
    );
  }
  await install();
}

/** npm leaves a lockfile of what it installed; every package that must be there is compared with it. */
function isInstalled() {
  const installedFile = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installedFile) || !existsSync(pinnedNode)) return false;
  const installed = JSON.parse(readFileSync(installedFile, 'utf8')).packages;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, entry]) =>
      !path.startsWith('node_modules/') ||
      entry.optional ||
      (installed[path]?.version === entry.version && installed[path]?.link === entry.link),
  );
}

async function install() {
  const started = Date.now();
  const interactive = process.stderr.isTTY;
  process.stderr.write(interactive ? '◐ Node packages' : '… Node packages\n');
  const { code, output } = await npm(['ci', '--no-fund', '--no-audit', '--loglevel=error']);
  if (code !== 0) {
    process.stderr.write(interactive ? '\r' : '');
    fail(
      reasonOf(output),
      `npm said:\n${output
        .trim()
        .split('\n')
        .slice(-8)
        .map((line) => `    ${line}`)
        .join('\n')}`,
    );
  }
  if (!existsSync(pinnedNode))
    fail('No Node.js package for this kind of machine.', 'Polydev runs on Linux, x64 and arm64.');
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  process.stderr.write(`${interactive ? '\r' : ''}✓ Node packages  ${seconds} s\n`);
}

function npm(args) {
  return new Promise((resolve) => {
    // Install scripts of packages must not see Polydev's own settings, which hold secrets.
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^(POLYDEV_|PG|DATABASE_|REDIS_)/.test(name)),
    );
    const child = spawn('npm', args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (chunk) => {
      output = (output + chunk).slice(-8000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => resolve({ code: 1, output: error.message }));
    child.on('close', (code) => resolve({ code, output }));
  });
}

function reasonOf(output) {
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|network/i.test(output)) return 'The npm registry cannot be reached.';
  if (/ENOSPC/.test(output)) return 'The disk is full.';
  if (/EACCES|EPERM/.test(output)) return `This user may not write to ${root}.`;
  if (/ENOENT.*npm|spawn npm/.test(output)) return 'npm is not installed.';
  return 'The Node packages could not be installed.';
}

function fail(sentence, hint) {
  process.stderr.write(`✗ ${sentence}\n  ${hint}\n`);
  process.exit(1);
}
