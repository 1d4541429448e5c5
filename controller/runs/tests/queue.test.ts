import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunId, User } from '@polydev/protocol';
import type { BorrowRequest } from '../../credentials/borrow.ts';
import type { RunRow } from '../rows.ts';
import { createRuns, type RunServiceDeps, unfinishedAtMost } from '../service.ts';

const timeout = 20_000;
const ask = { provider: 'claude_code', prompt: 'hi' } as const;
const [user, other]: User[] = [
  { id: 'usr_a', name: 'Ada', role: 'owner' },
  { id: 'usr_b', name: 'Bob', role: 'member' },
];

/** Runs that wait for a credential until they are cancelled. */
function openQueue(connected = true) {
  const rows = new Map<RunId, RunRow>();
  const deps = {
    rows: {
      async insert(row: RunRow) {
        rows.set(row.id, row);
        return row;
      },
      find: async (id: RunId) => rows.get(id) ?? null,
      move: async () => null,
    },
    vault: {
      list: async () =>
        connected ? [{ id: 'crd_a', provider: 'claude_code', status: 'active', label: 'default' }] : [],
    },
    borrow: ({ signal }: BorrowRequest) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    changes: { tell: async () => {}, watch: async () => () => {} },
    credentialFree: async () => {},
    log: { warn() {}, error() {} },
    now: Date.now,
    defaultDeadlineMs: 1_000,
  };
  return createRuns(deps as unknown as RunServiceDeps);
}

test('so many runs of one user may wait, and another when one has ended', { timeout }, async () => {
  assert.ok(user && other);
  const { service, stop } = openQueue();
  const start = (who: User) => service.start(who, ask);
  const asked = await Promise.allSettled(Array.from({ length: unfinishedAtMost + 5 }, () => start(user)));
  const refused = asked.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
  assert.deepEqual(refused, Array(5).fill('capacity'));
  await start(other);
  const [first] = asked;
  assert.ok(first?.status === 'fulfilled');
  await service.cancel(user, first.value.id);
  await start(user);
  await assert.rejects(start(user), { code: 'capacity' });
  await stop();
  await start(user);
  await stop();
});

test('a run that could not be started takes no place', { timeout }, async () => {
  assert.ok(user);
  const { service } = openQueue(false);
  for (let n = 0; n <= unfinishedAtMost; n += 1)
    await assert.rejects(service.start(user, ask), { code: 'no_credential' });
});
