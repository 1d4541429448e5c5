import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ensureRelease, nodeOf } from '../release.ts';

const run = promisify(execFile);

test('a release can be read and run by anyone, holds no tests, and is made once', async (t) => {
  const releases = mkdtempSync(join(tmpdir(), 'polydev-releases-'));
  t.after(() => rmSync(releases, { recursive: true }));
  const first = await ensureRelease(releases);
  assert.equal(first.fresh, true);
  const second = await ensureRelease(releases);
  assert.deepEqual(second, { dir: first.dir, fresh: false });

  const files = readdirSync(first.dir, { recursive: true, withFileTypes: true });
  for (const file of files) {
    if (!file.isFile()) continue;
    const { mode, uid } = statSync(join(file.parentPath, file.name));
    assert.ok((mode & 0o004) !== 0, `${file.name} is readable by all`);
    assert.ok((mode & 0o022) === 0, `${file.name} is writable by its owner alone`);
    assert.equal(uid, process.getuid?.());
  }
  assert.ok(!files.some((file) => file.name.endsWith('.test.ts') && !file.parentPath.includes('node_modules')));
  assert.ok(!existsSync(join(first.dir, 'node_modules/playwright-core')));

  const { stdout } = await run(nodeOf(first.dir), ['--version']);
  assert.match(stdout, /^v24\./);
});
