import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectRoot } from '../paths.ts';

test('a command goes on to its end when nobody reads any more what it says', { timeout: 60_000 }, async () => {
  const child = spawn(process.execPath, [join(projectRoot, 'setup/main.ts'), 'up', '--help'], { stdio: 'pipe' });
  for (const output of [child.stdout, child.stderr]) output.destroy();
  assert.deepEqual(await once(child, 'close'), [0, null]);
});
