import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PolydevError } from '@polydev/protocol';
import { costMiB, createRoom } from '../room.ts';

test('there is room by number and by memory, which is promised until it is taken', async () => {
  let freeMiB = 100 + costMiB.desktop;
  const room = createRoom({ atMost: 2, atOnce: 2, freeMiB: async () => freeMiB });
  let told = 0;
  room.onFree(() => {
    told += 1;
  });
  const [one, none] = await Promise.all([
    room.find('desktop', { memoryMiB: 100 }),
    room.find('desktop', { memoryMiB: 100 }),
  ]);
  assert.ok(one);
  assert.equal(none, null);
  assert.equal(await room.freeMiB(), 100);
  one.settle();
  one.settle();
  assert.equal(await room.freeMiB(), freeMiB);
  freeMiB = 10_000;
  const two = await room.find('headless', { memoryMiB: 100 });
  assert.ok(two);
  assert.equal(await room.find('headless', { memoryMiB: 100 }), null);
  two.free();
  two.free();
  assert.equal(told, 3);
  assert.equal(await room.freeMiB(), freeMiB);
  assert.ok(await room.find('headless', { memoryMiB: 100 }));
});

test('of those that come up there are never more than may be at once', async () => {
  const room = createRoom({ atMost: 10, atOnce: 2, freeMiB: async () => 64_000 });
  let told = 0;
  room.onFree(() => {
    told += 1;
  });
  const [one, two, three] = await Promise.all([1, 2, 3].map(() => room.find('desktop', { memoryMiB: 0 })));
  assert.ok(one && two);
  assert.equal(three, null);
  one.settle();
  assert.equal(told, 1);
  assert.ok(await room.find('desktop', { memoryMiB: 0 }));
  assert.equal(await room.find('desktop', { memoryMiB: 0 }), null);
  one.free();
  assert.equal(
    await room.find('desktop', { memoryMiB: 0 }),
    null,
    'one that was up makes no room for those that come up',
  );
  two.free();
  assert.ok(await room.find('desktop', { memoryMiB: 0 }));
});

test('while the host service is away nobody is told that there is no room, so nobody is sent away for it', async () => {
  const room = createRoom({
    atMost: 0,
    atOnce: 1,
    freeMiB: async () => {
      throw new PolydevError('unavailable', 'The host service does not answer.');
    },
  });
  await assert.rejects(room.find('headless', { memoryMiB: 0 }), { code: 'unavailable' });
});
