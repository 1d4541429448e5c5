import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunEvent } from '@polydev/protocol';
import { createRecorder } from '../recorder.ts';

const timeout = 20_000;

test('who talks faster than the database writes waits, whatever the events are', { timeout }, async () => {
  const raw = { filler: 'x'.repeat(60_000) };
  const source = { line: JSON.stringify(raw), raw };
  const event: RunEvent = { type: 'tool', name: 'Bash', phase: 'finished', summary: 'ls' };
  const { promise: written, resolve: write } = Promise.withResolvers<void>();
  const recorder = createRecorder(() => written);
  let taken = 0;
  const adding = (async () => {
    while (taken < 200) {
      await recorder.add(event, source);
      taken += 1;
    }
  })();
  for (let turn = 0; turn < 1_000; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(taken < 40, `${taken} events of 60 000 characters wait in memory`);
  write();
  await adding;
  await recorder.finish();
});
