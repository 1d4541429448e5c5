import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId, type SandboxId } from '@polydev/protocol';
import { openTestStore } from '../../store/testing.ts';
import { createKeptLogs, type NewLog } from '../kept-logs.ts';

const options = { timeout: 60_000 };
const reason = { code: 'sandbox_failed', message: 'It died.', hint: 'Try again.' } as const;

function log(sandboxId: SandboxId, changes: Partial<NewLog> = {}): NewLog {
  return {
    ...{ sandboxId, userId: null, sessionId: null, runId: null, profile: 'desktop', provider: null, image: null },
    ...{ createdAtMs: 1, reason, moves: [], console: '', journal: '', picture: null, ...changes },
  };
}

test('what is kept is bounded by count, by size and by age; the newest stay', options, async (t) => {
  const store = await openTestStore(t);
  let nowMs = 1_000;
  const kept = createKeptLogs(store, () => nowMs, { count: 3, bytes: 100, ageMs: 500 });
  const ids = Array.from({ length: 4 }, () => newId('sandbox'));
  const there = async () => {
    const found = await Promise.all(ids.map((id) => kept.find(id)));
    return found.map((row) => row !== null);
  };
  for (const id of ids) {
    nowMs += 1;
    await kept.insert(log(id, { console: '0123456789' }));
  }
  assert.deepEqual(await there(), [false, true, true, true], 'three at most');

  nowMs += 1;
  const large = newId('sandbox');
  await kept.insert(log(large, { console: 'é'.repeat(20), journal: 'x'.repeat(20), picture: Buffer.alloc(25) }));
  assert.deepEqual(await there(), [false, false, false, true], '100 bytes at most');
  assert.deepEqual((await kept.find(large))?.picture, Buffer.alloc(25));

  nowMs += 501;
  assert.deepEqual(await kept.find(large), null, 'too old to be shown, even before a sweep');
  await kept.sweep();
  nowMs -= 501;
  assert.deepEqual(await kept.find(large), null);
});

test('the first log of a sandbox stays; its reason may become better known', options, async (t) => {
  const kept = createKeptLogs(await openTestStore(t));
  const id = newId('sandbox');
  await kept.insert(log(id, { console: 'a\0b' }));
  await kept.insert(log(id, { console: 'second' }));
  await kept.explain(id, { ...reason, message: 'No memory.' });
  const found = await kept.find(id);
  assert.deepEqual([found?.console, found?.reason.message], ['a\ufffdb', 'No memory.']);
  await kept.remove(id);
  assert.equal(await kept.find(id), null);
});
