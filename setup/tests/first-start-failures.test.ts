import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from '../paths.ts';

const isRoot = process.getuid?.() === 0;

interface Outcome {
  code: number | null;
  stderr: string;
}

function up(args: string[], uid?: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(projectRoot, 'setup/main.ts'), 'up', '--yes', ...args], {
      ...(uid !== undefined && { uid, gid: uid }),
    });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    // Such as that whoever it becomes may not even read the program.
    child.on('error', (error) => resolve({ code: null, stderr: error.message }));
    child.on('close', (code) => resolve({ code, stderr }));
  });
}

test('a port that is taken is said in a sentence, and nothing is made', {
  skip: !isRoot && 'needs root',
}, async (t) => {
  const scratch = mkdtempSync(join(tmpdir(), 'polydev-'));
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    rmSync(scratch, { recursive: true });
  });
  const { port } = server.address() as { port: number };
  const home = join(scratch, 'home');
  const outcome = await up(['--port', String(port), '--data', home]);
  assert.equal(outcome.code, 1);
  assert.match(outcome.stderr, new RegExp(`Port ${port} is taken`));
  assert.match(outcome.stderr, /--port/);
  assert.equal(existsSync(home), false);
});

test('a data folder where only root gets is said in a sentence, and nothing is made', {
  skip: !isRoot && 'needs root',
}, async (t) => {
  const closed = mkdtempSync(join(tmpdir(), 'polydev-'));
  t.after(() => rmSync(closed, { recursive: true }));
  const outcome = await up(['--port', '0', '--data', join(closed, 'deep', 'home')]);
  assert.equal(outcome.code, 1);
  assert.ok(outcome.stderr.includes(`The user polydev may not enter ${closed}, so`), outcome.stderr);
  assert.match(outcome.stderr, /--data/);
  assert.equal(existsSync(join(closed, 'deep')), false);
});

test('without root it says so and makes nothing', {
  skip: !isRoot && 'needs root to become somebody else',
}, async (t) => {
  const scratch = mkdtempSync(join(tmpdir(), 'polydev-'));
  t.after(() => rmSync(scratch, { recursive: true }));
  const outcome = await up(['--data', join(scratch, 'home')], 65534);
  if (/EACCES|Cannot find module/.test(outcome.stderr)) return t.skip('this checkout can be read by root only');
  assert.equal(outcome.code, 1);
  assert.match(outcome.stderr, /needs root/);
  assert.equal(existsSync(join(scratch, 'home')), false);
});
