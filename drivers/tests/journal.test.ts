import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { newId } from '@polydev/protocol';
import { run } from '../exec.ts';
import { createJournal, type SandboxRecord } from '../journal.ts';

const timeout = 120_000;
const isRoot = process.getuid?.() === 0;

async function scratch(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'polydev-journal-'));
  t.after(() => rm(folder, { recursive: true }));
  return join(folder, 'journal');
}

function record(): SandboxRecord {
  return {
    v: 1,
    driver: 'oci',
    id: newId('sandbox'),
    profile: 'desktop',
    image: '0123456789abcdef',
    limits: { memoryMiB: 1024, cpus: 1, processes: 64, diskMiB: 64, homeMiB: 64 },
    createdAtMs: 1,
    address: {
      agent: { host: '100.1.2.3', port: 8080 },
      egress: { host: '100.1.3.1', port: 3128 },
      source: '100.1.2.3',
    },
  };
}

test('what is written is read again, by whoever opens the folder next', { timeout }, async (t) => {
  const folder = await scratch(t);
  const [first, second] = [record(), record()];
  const journal = createJournal(folder);
  assert.deepEqual(await journal.read(), { records: [], unreadable: [] });
  await journal.write(first);
  await journal.write(second);
  await journal.remove(first.id);
  await journal.remove(first.id);
  assert.deepEqual((await createJournal(folder).read()).records, [second]);
});

test('folder and files are for root alone', { timeout }, async (t) => {
  const folder = await scratch(t);
  await createJournal(folder).write(record());
  const [name = ''] = await readdir(folder);
  assert.equal((await stat(folder)).mode & 0o777, 0o700);
  assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600);
});

test('no token is ever written down', { timeout }, async (t) => {
  const folder = await scratch(t);
  await createJournal(folder).write(record());
  const [name = ''] = await readdir(folder);
  assert.doesNotMatch(await readFile(join(folder, name), 'utf8'), /token/);
});

test('what cannot be written leaves nothing behind', { timeout }, async (t) => {
  const folder = await scratch(t);
  const journal = createJournal(folder);
  const blocked = record();
  await mkdir(join(folder, `${blocked.id}.json`, 'in the way'), { recursive: true });
  await assert.rejects(journal.write(blocked));
  assert.deepEqual(await readdir(folder), [`${blocked.id}.json`]);
});

test('on a full disk it says so, and leaves nothing behind', { timeout, skip: !isRoot && 'needs root' }, async (t) => {
  const folder = await scratch(t);
  await mkdir(folder);
  await run(['mount', '-t', 'tmpfs', '-o', 'size=16k', 'polydev-journal', folder]);
  try {
    await writeFile(join(folder, 'ballast'), Buffer.alloc(16 * 1024)).catch(() => {});
    const journal = createJournal(folder);
    await assert.rejects(journal.write(record()), { code: 'disk_full' });
    assert.deepEqual(await readdir(folder), ['ballast']);
    await rm(join(folder, 'ballast'));
    await journal.write(record());
    assert.equal((await journal.read()).records.length, 1);
  } finally {
    await run(['umount', folder]); // before the folder is removed
  }
});

test('a crash while writing leaves no record, and what is not ours is named and left alone', { timeout }, async (t) => {
  const folder = await scratch(t);
  const journal = createJournal(folder);
  const good = record();
  await journal.write(good);
  const other = record();
  await writeFile(join(folder, `${other.id}.json.new`), '{"v":1,');
  await writeFile(join(folder, `${other.id}.json`), JSON.stringify(good)); // not the id it says
  await writeFile(join(folder, 'notes.txt'), 'hello');
  const { records, unreadable } = await journal.read();
  assert.deepEqual(records, [good]);
  assert.deepEqual(unreadable.sort(), [join(folder, 'notes.txt'), join(folder, `${other.id}.json`)].sort());
  assert.equal((await readdir(folder)).length, 3);
});
