import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId, PolydevError } from '@polydev/protocol';
import { createEmbeddedPatience } from '../../store/patience.ts';
import { createJumpingClock } from '../../testing/clock.ts';
import type { NewLog } from '../kept-logs.ts';
import type { SandboxFacts } from '../sandbox-facts.ts';
import { createWitness, type WitnessDeps } from '../witness.ts';

const options = { timeout: 20_000 };
const id = newId('sandbox');
const sessionId = newId('session');
const facts: SandboxFacts = {
  ...{ id, profile: 'headless', state: 'claimed', owner: sessionId, sessionId, runId: null, userId: newId('user') },
  ...{ provider: 'claude_code', createdAtMs: 1, ended: null },
};
const size = { memoryMiB: 256, cpus: 1, processes: 64, diskMiB: 64, homeMiB: 64 };
const spec = { id, profile: 'headless', image: 'f'.repeat(64), token: 't'.repeat(32), limits: size } as const;
const failure = new PolydevError('sandbox_failed', 'It failed.');

function open(changes: Partial<WitnessDeps> = {}) {
  const clock = createJumpingClock({ goes: false });
  const kept: NewLog[] = [];
  const warned: string[] = [];
  const looks: string[] = [];
  const witness = createWitness({
    console: async () => `look ${looks.push('console')}\n`,
    imageOf: async () => null,
    findFacts: async () => facts,
    redactsFor: async () => [],
    kept: {
      insert: async (log) => void kept.push(log),
      find: async () => null,
      explain: async () => {},
      remove: async () => {},
      sweep: async () => {},
    },
    patience: createEmbeddedPatience(),
    keepPictures: true,
    log: { warn: (_: object, message: string) => warned.push(message) } as unknown as WitnessDeps['log'],
    clock,
    ...changes,
  });
  witness.born(id, 'booting');
  witness.planned(spec);
  return { witness, clock, kept, warned, looks };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('many changes are one glance, a moment later; the next is not soon', options, async () => {
  const { witness, clock, looks } = open();
  for (let n = 0; n < 5; n += 1) witness.glance(id);
  assert.equal(looks.length, 0);
  clock.jump(1_000);
  await settled();
  assert.equal(looks.length, 1);
  witness.glance(id);
  clock.jump(4_000);
  await settled();
  assert.equal(looks.length, 1);
  clock.jump(1_000);
  await settled();
  assert.equal(looks.length, 2);
});

test('what a console said at a glance is kept when it cannot be read any more', options, async () => {
  let gone = false;
  const { witness, clock, kept } = open({
    console: async () => {
      if (gone) throw new PolydevError('unavailable', 'The host service does not answer.');
      return 'before\n';
    },
  });
  witness.glance(id);
  clock.jump(1_000);
  await settled();
  gone = true;
  await witness.settle(sessionId, id, failure);
  assert.equal(kept[0]?.console, 'before\n');
});

test('one is kept once, and a glance that is still to come is called off with it', options, async () => {
  const { witness, clock, kept, looks } = open();
  witness.glance(id);
  await witness.settle(sessionId, id, failure);
  await witness.closing(id);
  clock.jump(10_000);
  await settled();
  assert.deepEqual([kept.length, looks.length], [1, 1]);
});

test('one whose destruction is tried again is known until it is gone', options, async () => {
  const { witness, kept } = open();
  await witness.settle(sessionId, id, null);
  await witness.closing(id);
  await witness.closing(id);
  assert.equal(kept.length, 0);
  witness.gone(id);
  await witness.closing(id);
  assert.deepEqual(
    kept.map(({ reason }) => reason.code),
    ['controller_restarted'],
  );
});

test('a machine that nobody had yet is kept only when it died', options, async () => {
  const nobodys = { ...facts, owner: null, sessionId: null, userId: null, provider: null };
  const well = open({ findFacts: async () => nobodys });
  await well.witness.closing(id);
  assert.deepEqual(well.kept, []);
  const dead = open({ findFacts: async () => nobodys });
  dead.witness.failed(id, failure);
  await dead.witness.closing(id);
  assert.deepEqual(
    dead.kept.map(({ reason, userId }) => [reason.code, userId]),
    [['sandbox_failed', null]],
  );
});

test(
  'what it was for has ended by another’s hand: well, and nothing is kept; badly, and its reason is',
  options,
  async () => {
    const reason = { code: 'sign_in_timeout', message: 'Too late.', hint: 'Again.' } as const;
    for (const [ended, expected] of [
      [{ reason: null }, []],
      [{ reason: { ...reason, code: 'sign_in_cancelled' as const } }, []],
      [{ reason }, ['Too late.']],
    ] as const) {
      const { witness, kept } = open({ findFacts: async () => ({ ...facts, ended }) });
      await witness.closing(id);
      assert.deepEqual(
        kept.map((log) => log.reason.message),
        expected,
      );
    }
  },
);

test('secrets that cannot be known now are no text to keep, and nobody’s end waits for it', options, async () => {
  const { witness, kept, warned } = open({
    redactsFor: () => Promise.reject(new PolydevError('unavailable', 'The database does not answer.')),
  });
  await witness.settle(sessionId, id, failure);
  await witness.closing(id);
  assert.deepEqual([kept, warned.length], [[], 2]);
});
