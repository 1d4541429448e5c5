import assert from 'node:assert/strict';
import { glob } from 'node:fs/promises';
import { test } from 'node:test';
import { projectRoot } from '../paths.ts';
import { storeTestsOf } from '../store-tests.ts';

test('what keeps something is tested on PostgreSQL and Redis, too', { timeout: 30_000 }, async () => {
  const files: string[] = [];
  for await (const file of glob('controller/**/*.test.ts', { cwd: projectRoot })) files.push(file);
  const chosen = new Set(await storeTestsOf(files));
  const wanted = [
    // By the store itself, by a stage, by an app, and by a file that helps several.
    'controller/auth/tests/setup.test.ts',
    'controller/runs/tests/runs.test.ts',
    'controller/sessions/tests/ends.test.ts',
    'controller/tests/scopes.test.ts',
    'controller/tests/restart.test.ts',
    'controller/stream/tests/relay.test.ts',
  ];
  assert.deepEqual(
    wanted.filter((file) => !chosen.has(file)),
    [],
  );
  // One that brings its own stores says itself which.
  assert.ok(!chosen.has('controller/tests/database-lost.test.ts'));
  // Whole folders of which nothing keeps anything are none of it.
  const folders = new Set([...chosen].map((file) => file.split('/')[1]));
  for (const folder of ['auth', 'credentials', 'pool', 'postmortem', 'recovery', 'runs', 'sandboxes', 'sessions'])
    assert.ok(folders.has(folder), folder);
});
