import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openEmbedded } from '../embedded.ts';

const skip =
  process.getuid?.() !== 0
    ? 'mounting a disk needs root'
    : existsSync('/dev/loop-control')
      ? false
      : 'this host has no loop devices';

test('after a power cut all is there that was done before', { skip, timeout: 300_000 }, async (t) => {
  const scratch = await mkdtemp(join(tmpdir(), 'polydev-power-cut-'));
  const undo = [() => rm(scratch, { recursive: true, force: true })];
  t.after(async () => {
    for (const undoOne of undo.reverse()) await undoOne();
  });
  /** Opens the database on a file that is mounted as a disk. */
  async function openOn(disk: string) {
    const folder = `${disk}.mounted`;
    await mkdir(folder);
    execFileSync('mount', ['-o', 'loop', disk, folder]);
    undo.push(async () => void execFileSync('umount', [folder]));
    const database = await openEmbedded({ dataDir: join(folder, 'database') });
    undo.push(database.close);
    return database;
  }

  const [disk = '', atOnce = '', afterwards = ''] = ['disk', 'at-once', 'afterwards'].map((name) =>
    join(scratch, name),
  );
  execFileSync('truncate', ['--size', '256M', disk]);
  execFileSync('mkfs.ext4', ['-q', disk]);
  const rows = 20;
  const { forDrizzle, query } = await openOn(disk);
  const cut = (copy: string) => execFileSync('cp', [disk, copy]); // What the kernel has not written is in no copy.
  cut(atOnce);
  await query('create table one (id int)');
  for (let id = 1; id <= rows; id += 1) await forDrizzle.query('insert into one values ($1)', [id]);
  await query('checkpoint');
  await query('insert into one values (0)');
  cut(afterwards);

  const made = await openOn(atOnce);
  assert.deepEqual((await made.query('select 1 as one')).rows, [{ one: 1 }]);
  const found = await openOn(afterwards);
  assert.deepEqual((await found.forDrizzle.query('select count(*)::int as n from one')).rows, [{ n: rows + 1 }]);
});
