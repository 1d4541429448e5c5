import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId, PolydevError, type SandboxId, type SandboxState } from '@polydev/protocol';
import { pino } from 'pino';
import { createJumpingClock } from '../../testing/clock.ts';
import { gate } from '../../testing/tool.ts';
import { createDestruction } from '../destruction.ts';
import { whenHostIsThere } from '../host-away.ts';
import type { SandboxRows } from '../rows.ts';

const options = { timeout: 20_000 };
const id = newId('sandbox');
const away = new PolydevError('unavailable', 'The host service does not answer.');
const stuck = new PolydevError('sandbox_failed', 'A mount is still there.');

/** A destruction that fails with these, one after the other, and then does not. */
function open(...failures: PolydevError[]) {
  const clock = createJumpingClock({ goes: false });
  const moves: SandboxState[] = [];
  const gone = gate();
  let attempts = 0;
  const destruction = createDestruction({
    driver: {
      async destroy() {
        const failure = failures[attempts++];
        if (failure) throw failure;
      },
    },
    rows: { move: async (_: SandboxId, to: SandboxState) => void moves.push(to) } as unknown as SandboxRows,
    onGone: gone.open,
    clock,
    log: pino({ enabled: false }),
  });
  const jump = async (timeMs: number) => {
    clock.jump(timeMs);
    await new Promise(setImmediate);
  };
  return { destruction, moves, gone: gone.wait, jump, attempts: () => attempts };
}

test('what would not go is tried again, less and less often, until it goes', options, async () => {
  const { destruction, moves, gone, jump, attempts } = open(stuck, stuck, stuck);
  await destruction.destroy(id);
  assert.deepEqual(moves, ['stopping', 'failed']);
  for (const [delayMs, expected] of [
    [1_000, 2],
    [1_000, 2],
    [1_000, 3],
    [4_000, 4],
  ] as const) {
    await jump(delayMs);
    assert.equal(attempts(), expected);
  }
  await gone;
  assert.deepEqual(moves, ['stopping', 'failed', 'gone']);
  await jump(1e6);
  assert.equal(attempts(), 4);
});

test('a host service that is away is asked again each second, and nothing has failed', options, async () => {
  const { destruction, moves, gone, jump, attempts } = open(...Array<PolydevError>(20).fill(away));
  await destruction.destroy(id);
  for (let second = 1; second <= 20; second += 1) {
    assert.equal(attempts(), second);
    await jump(1_000);
  }
  await gone;
  assert.deepEqual(moves, ['stopping', 'gone']);
});

test('nothing is tried again after a stop', options, async () => {
  const { destruction, jump, attempts } = open(away, away, away);
  await destruction.destroy(id);
  destruction.stop();
  await destruction.destroy(id);
  await jump(1e6);
  assert.equal(attempts(), 2);
});

test('work that lasted long before the host service went away waits for it as well', options, async () => {
  let attempts = 0;
  const work = async () => {
    attempts += 1;
    if (attempts > 1) return 'done';
    await new Promise((resolve) => setTimeout(resolve, 600));
    throw away;
  };
  assert.equal(await whenHostIsThere(work, { signal: new AbortController().signal, forMs: 500 }), 'done');
});
