import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openLogFile } from '../log-file.ts';

test('a log is set aside when it is large, and only the one before is kept', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'polydev-log-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'a.log');
  const log = openLogFile(file, 10);
  for (const line of ['first 8\n', 'second 9\n', 'third 8\n']) log.write(line);
  log.end();
  await once(log, 'finish');
  assert.equal(readFileSync(file, 'utf8'), 'third 8\n');
  assert.equal(readFileSync(`${file}.1`, 'utf8'), 'second 9\n');
});
