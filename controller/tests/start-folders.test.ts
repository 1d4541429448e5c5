import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { PolydevError } from '@polydev/protocol';
import { lockFolder } from '../folder-lock.ts';
import { loadMasterKey } from '../master-key-file.ts';
import { openTestStore } from '../store/testing.ts';

const timeout = 60_000;
const nobody = 65_534;

async function scratchFolder(t: TestContext): Promise<string> {
  const scratch = await mkdtemp(join(tmpdir(), 'polydev-folders-'));
  t.after(() => rm(scratch, { recursive: true, force: true }));
  await chmod(scratch, 0o755);
  return scratch;
}

/** As somebody who may not write everywhere. */
async function asPerson<T>(work: () => Promise<T>): Promise<T> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(nobody);
  try {
    return await work();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

function failsWith(code: string, sentence: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof PolydevError);
    assert.equal(error.code, code);
    assert.match(error.message, sentence);
    return true;
  };
}

test('a master key that cannot be made is one sentence that names the place and the reason', { timeout }, async (t) => {
  const { db } = await openTestStore(t);
  const scratch = await scratchFolder(t);
  await mkdir(join(scratch, 'closed'), { mode: 0o555 });
  await symlink(join(scratch, 'no/such'), join(scratch, 'link'));
  const load = (name: string) => loadMasterKey(db, { given: null, file: join(scratch, name) });
  await assert.rejects(
    asPerson(() => load('closed/key')),
    failsWith('host_lacks', /closed\/key cannot be written: the controller's user may not write there\.$/),
  );
  await assert.rejects(load('missing/key'), failsWith('host_lacks', /missing\/key .*: the folder does not exist\.$/));
  await assert.rejects(load('link'), failsWith('host_lacks', /link cannot be written: something else is there\.$/));
  assert.deepEqual(await readdir(join(scratch, 'closed')), []);
});

test('a master key that cannot be read is one sentence too', { timeout }, async (t) => {
  const { db } = await openTestStore(t);
  const scratch = await scratchFolder(t);
  await writeFile(join(scratch, 'key'), 'x', { mode: 0o000 });
  await mkdir(join(scratch, 'folder'));
  const load = (name: string) => loadMasterKey(db, { given: null, file: join(scratch, name) });
  await assert.rejects(
    asPerson(() => load('key')),
    failsWith('master_key_missing', /key cannot be read: the controller's user may not read it\.$/),
  );
  await assert.rejects(load('folder'), failsWith('master_key_missing', /cannot be read: it is a folder\.$/));
});

test('so is a data folder that cannot be made or written', { timeout }, async (t) => {
  const scratch = await scratchFolder(t);
  const closed = join(scratch, 'closed');
  await mkdir(closed, { mode: 0o555 });
  await writeFile(join(scratch, 'file'), '');
  for (const folder of [closed, join(closed, 'data')])
    await assert.rejects(
      asPerson(() => lockFolder(folder)),
      failsWith('host_lacks', /^The data folder .* cannot be written: the controller's user may not write there\.$/),
    );
  await assert.rejects(lockFolder(join(scratch, 'file/data')), failsWith('host_lacks', /is no folder\.$/));
});
