import assert from 'node:assert/strict';
import fs from 'node:fs';
import { mkdir, mkdtemp, rm, rmdir, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setFrozen, watchEmpty } from '../cgroup-events.ts';
import type { CgroupLayout } from '../cgroup-layout.ts';

const options = { timeout: 120_000 };

/** A folder that looks like a control group, with nobody who does what is written there. */
async function open(t: TestContext) {
  const unified = await mkdtemp(join(tmpdir(), 'polydev-cgroup-'));
  t.after(() => rm(unified, { recursive: true }));
  await mkdir(join(unified, 'group'));
  return { layout: { unified } as CgroupLayout, events: join(unified, 'group', 'cgroup.events') };
}

test('who freezes a group that does not freeze is told so in time', options, async (t) => {
  const { layout, events } = await open(t);
  await writeFile(events, 'populated 1\nfrozen 0\n');
  await assert.rejects(setFrozen(layout, 'group', true, 50), /was not frozen within 50 ms/);
});

test('on a host that has no watches left, a group is looked at again and again', options, async (t) => {
  const { layout, events } = await open(t);
  await writeFile(events, 'populated 1\nfrozen 0\n');
  t.mock.method(fs, 'watch', () => {
    throw Object.assign(new Error('no watches left'), { code: 'ENOSPC' });
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  await assert.rejects(setFrozen(layout, 'group', true, 50), /was not frozen within 50 ms/);
  const empty = Promise.withResolvers<void>();
  watchEmpty(layout, 'group', empty.resolve);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await writeFile(events, 'populated 0\nfrozen 0\n');
  await empty.promise;
});

test('events that cannot be read break nothing, and are read once more', options, async (t) => {
  const { layout, events } = await open(t);
  await mkdir(events);
  const empty = Promise.withResolvers<void>();
  watchEmpty(layout, 'group', empty.resolve);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await rmdir(events);
  await writeFile(events, 'populated 0\nfrozen 0\n');
  await empty.promise;
});
