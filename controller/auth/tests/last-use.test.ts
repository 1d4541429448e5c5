import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLastUse } from '../last-use.ts';

const minuteMs = 60_000;

function stage() {
  const written: [string, number][] = [];
  let write = async () => {};
  const lastUse = createLastUse<string>(async (id, atMs) => {
    written.push([id, atMs]);
    await write();
  });
  const writesBy = (next: typeof write) => {
    write = next;
  };
  return { lastUse, written, writesBy };
}

test('what was never used, or not for a minute, is written; what was used just now is not', async () => {
  const { lastUse, written } = stage();
  lastUse.note('never', null, 5);
  lastUse.note('long ago', minuteMs, 2 * minuteMs);
  lastUse.note('just now', minuteMs + 1, 2 * minuteMs);
  await lastUse.written();
  assert.deepEqual(written, [
    ['never', 5],
    ['long ago', 2 * minuteMs],
  ]);
});

test('many at once write once, and `written` waits for it', async () => {
  const { lastUse, written, writesBy } = stage();
  const hangs = Promise.withResolvers<void>();
  writesBy(() => hangs.promise);
  for (let n = 0; n < 100; n += 1) lastUse.note('laptop', null, n);
  lastUse.note('desk', null, 7);
  assert.deepEqual(written, [
    ['laptop', 0],
    ['desk', 7],
  ]);
  let isWritten = false;
  const waiting = lastUse.written().then(() => {
    isWritten = true;
  });
  await Promise.resolve();
  assert.equal(isWritten, false);
  hangs.resolve();
  await waiting;
});

test('what could not be written is tried again by who comes next', async () => {
  const { lastUse, written, writesBy } = stage();
  writesBy(() => Promise.reject(new Error('The disk is full.')));
  lastUse.note('laptop', null, 1);
  await lastUse.written();
  writesBy(async () => {});
  lastUse.note('laptop', null, 2);
  await lastUse.written();
  assert.deepEqual(written, [
    ['laptop', 1],
    ['laptop', 2],
  ]);
});
