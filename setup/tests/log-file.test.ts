import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
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

test('a disk without room costs lines and nothing else', async () => {
  const log = openLogFile('/dev/full');
  for (const line of ['one\n', 'two\n']) await new Promise((resolve) => log.write(line, resolve));
  log.end('three\n');
  await once(log, 'finish');
});

test('a log that was taken away, with its folder, is gone on with when it can be', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'polydev-log-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'in', 'a.log');
  mkdirSync(join(folder, 'in'));
  const log = openLogFile(file, 10);
  const write = (line: string) => new Promise((resolve) => log.write(line, resolve));
  await write('first 8\n');
  rmSync(join(folder, 'in'), { recursive: true });
  await write('second 9\n'); // It is too large for both, and cannot be set aside.
  mkdirSync(join(folder, 'in'));
  await write('third 8\n');
  assert.equal(readFileSync(file, 'utf8'), 'third 8\n');
  log.end();
  await once(log, 'finish');
});
