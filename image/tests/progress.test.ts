import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packageCounter } from '../base.ts';
import type { BuildProgress } from '../progress.ts';

test('packages are counted as apt sets them up, over both of its runs', () => {
  const heard: BuildProgress[] = [];
  const count = packageCounter((progress) => heard.push(progress));
  count('0 upgraded, 2 newly installed, 0 to remove and 0 not upgraded.');
  count('Setting up libc6 (2.36) ...');
  count('Unpacking bash ...');
  count('0 upgraded, 1 newly installed, 0 to remove and 0 not upgraded.');
  count('Setting up bash (5.2) ...');
  assert.deepEqual(heard, [
    { step: 'packages', done: 1, total: 2 },
    { step: 'packages', done: 2, total: 3 },
  ]);
});
