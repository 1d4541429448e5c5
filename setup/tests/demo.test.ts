import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { markDemo, requireKind } from '../demo.ts';
import { projectRoot } from '../paths.ts';

const isRoot = process.getuid?.() === 0;

function scratchFolder(t: TestContext): string {
  const scratch = mkdtempSync(join(tmpdir(), 'polydev-'));
  t.after(() => rmSync(scratch, { recursive: true }));
  return join(scratch, 'home');
}

/** What `up` says when it refuses. */
function refusalOf(...args: string[]): Promise<string> {
  const command = [join(projectRoot, 'setup/main.ts'), 'up', '--yes', '--port', '0', ...args];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, command, { timeout: 30_000 }, (error, _stdout, stderr) =>
      error?.code === 1 ? resolve(stderr) : reject(new Error(`It ended otherwise: ${stderr}`)),
    );
  });
}

test('a new folder takes either kind of start', async (t) => {
  const home = scratchFolder(t);
  await requireKind(home, true);
  await requireKind(home, false);
  mkdirSync(home);
  await requireKind(home, true);
});

test('a demo goes on with its own folder', async (t) => {
  const home = scratchFolder(t);
  await markDemo(home);
  await requireKind(home, true);
});

test('a real start refuses the folder of a demo, in a sentence', { skip: !isRoot && 'needs root' }, async (t) => {
  const home = scratchFolder(t);
  await markDemo(home);
  await assert.rejects(requireKind(home, false), { code: 'wrong_data_folder' });
  assert.match(await refusalOf('--data', home), /✗ \S+ is the data folder of a demo\.\n {2}.*--data/);
  assert.deepEqual(readdirSync(home), ['DEMO']);
});

test('a demo refuses the folder of a real start, in a sentence', { skip: !isRoot && 'needs root' }, async (t) => {
  const home = scratchFolder(t);
  mkdirSync(join(home, 'controller'), { recursive: true });
  await assert.rejects(requireKind(home, true), { code: 'wrong_data_folder' });
  assert.match(await refusalOf('--demo', '--data', home), /it is not the data folder of a demo\.\n {2}.*--data/);
  assert.deepEqual(readdirSync(home), ['controller']);
});

test('a demo takes no settings file', { skip: !isRoot && 'needs root' }, async (t) => {
  const home = scratchFolder(t);
  assert.match(await refusalOf('--demo', '--data', home, '--config', '/dev/null'), /do not go together/);
  assert.equal(existsSync(home), false);
});
