import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits, newId, PolydevError, type Profile } from '@polydev/protocol';
import { createJumpingClock } from '../../testing/clock.ts';
import { createLine } from '../line.ts';

const options = { timeout: 20_000 };
const never = new AbortController().signal;
const [ada, bob] = [newId('user'), newId('user')];

/** A line for so many turns. */
function open(count: number) {
  const clock = createJumpingClock();
  const state = {
    free: count,
    lacking: undefined as Profile | undefined,
    trouble: undefined as PolydevError | undefined,
    onTurn: () => {},
    isBusy: false,
  };
  const line = createLine<'turn'>({
    async turnOf({ profile }) {
      if (state.trouble) throw state.trouble;
      if (state.free === 0 || profile === state.lacking) return null;
      state.free -= 1;
      state.onTurn();
      return 'turn';
    },
    unused: free,
    isBusy: () => state.isBusy,
    clock,
  });
  function free(): void {
    state.free += 1;
    line.look();
  }
  /** Resolves to the way to give it back. */
  async function ask(who: typeof ada, { wait = true, signal = never, profile = 'headless' as Profile } = {}) {
    const { giveBack } = await line.wait({ profile, userId: who, wait, signal });
    return () => {
      giveBack();
      free();
    };
  }
  return { line, ask, clock, state };
}

test('who waits gets the next, and who stops waiting loses nothing for others', options, async () => {
  const { ask } = open(1);
  const free = await ask(ada);
  const impatient = new AbortController();
  const given = assert.rejects(ask(ada, { signal: impatient.signal }), { code: 'run_cancelled' });
  const next = ask(ada);
  impatient.abort(new PolydevError('run_cancelled', 'Enough.'));
  await given;
  free();
  (await next)();
});

test('while others come up, who wants what is there already does not wait for who wants more', options, async () => {
  const { ask, state, line } = open(2);
  Object.assign(state, { lacking: 'desktop', isBusy: true });
  const desktop = ask(ada, { profile: 'desktop', wait: false });
  await ask(bob);
  Object.assign(state, { isBusy: false });
  let given = false;
  const second = ask(bob).then(() => {
    given = true;
  });
  await new Promise(setImmediate);
  assert.equal(given, false, 'where there is no room each waits for its turn');
  state.lacking = undefined;
  line.look();
  await desktop;
  state.free += 1;
  line.look();
  await second;
});

test('one whose turn comes as it is aborted passes it on', options, async () => {
  const { ask, state } = open(1);
  const free = await ask(ada);
  const impatient = new AbortController();
  const given = assert.rejects(ask(ada, { signal: impatient.signal }), { code: 'run_cancelled' });
  state.onTurn = () => impatient.abort(new PolydevError('run_cancelled', 'Enough.'));
  free();
  await given;
  (await ask(ada))();
  assert.equal(state.free, 1);
});

test('who asks for much does not keep out who asks for little', options, async () => {
  const { ask } = open(2);
  const order: string[] = [];
  const free = [await ask(ada), await ask(ada)];
  const join = async (who: typeof ada, name: string) => {
    const giveBack = await ask(who);
    order.push(name);
    return giveBack;
  };
  const asked = [join(ada, 'ada 3'), join(ada, 'ada 4'), join(bob, 'bob 1'), join(bob, 'bob 2')] as const;
  free[0]?.();
  const bobs = await asked[2];
  free[1]?.();
  // Ada holds none any more, Bob one.
  const adas = await asked[0];
  bobs();
  const bobsNext = await asked[3];
  adas();
  (await asked[1])();
  bobsNext();
  assert.deepEqual(order, ['bob 1', 'ada 3', 'bob 2', 'ada 4']);
});

test('who does not wait for long comes first among equals, and is told when it was in vain', options, async () => {
  const { ask, clock, state } = open(1);
  const free = await ask(ada);
  const patient = ask(bob);
  const first = ask(bob, { wait: false });
  free();
  const giveBack = await first;
  const inVain = assert.rejects(ask(bob, { wait: false }), ({ code, details }: PolydevError) => {
    const seconds = Number(details.retryAfterSeconds);
    return code === 'capacity' && seconds >= 5 && seconds < 15;
  });
  clock.jump(limits.lineMs);
  await inVain;

  state.trouble = new PolydevError('unavailable', 'The host service does not answer.');
  giveBack();
  const away = assert.rejects(ask(bob, { wait: false }), { code: 'unavailable' });
  await new Promise((resolve) => setTimeout(resolve, 5));
  clock.jump(limits.lineMs);
  await away;
  state.trouble = undefined;
  clock.jump(1_000);
  (await patient)();
});
