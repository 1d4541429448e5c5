import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whyNoRealSandbox } from '../../testing/scratch.ts';
import { raiseOnHost, shortOnHost } from '../file-watchers.ts';

test('the limits of the host are raised once and never lowered', {
  timeout: 60_000,
  skip: (await whyNoRealSandbox()) ?? false,
}, async () => {
  await raiseOnHost();
  assert.deepEqual(await shortOnHost(), []);
  assert.deepEqual(await raiseOnHost(), []);
});
