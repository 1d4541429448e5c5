import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLine } from '../line.ts';

test('one thing at a time, reads first, each kind in its order', async () => {
  const inLine = createLine();
  const done: string[] = [];
  let busy = 0;
  const work = (name: string) => async () => {
    busy += 1;
    await new Promise(setImmediate);
    assert.equal(busy, 1);
    busy -= 1;
    done.push(name);
    return name;
  };
  const all = [
    ...[inLine('write', work('w1')), inLine('write', work('w2')), inLine('read', work('r1'))],
    ...[inLine('write', work('w3')), inLine('read', work('r2'))],
  ];
  assert.deepEqual(await Promise.all(all), ['w1', 'w2', 'r1', 'w3', 'r2']);
  assert.deepEqual(done, ['w1', 'r1', 'r2', 'w2', 'w3']);
});

test('a write has its turn, however many read', async () => {
  const inLine = createLine();
  let isWritten = false;
  let reads = 0;
  const read = async (): Promise<void> => {
    reads += 1;
    if (!isWritten) void inLine('read', read);
  };
  void inLine('read', read);
  void inLine('read', read);
  await inLine('write', async () => {
    isWritten = true;
  });
  assert.ok(reads > 2 && reads < 20, `${reads} reads`);
});

test('one that fails holds up nobody', async () => {
  const inLine = createLine();
  const failing = inLine('write', async () => {
    throw new Error('no');
  });
  const next = inLine('read', async () => 'yes');
  await assert.rejects(failing, /no/);
  assert.equal(await next, 'yes');
});
