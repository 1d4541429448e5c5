import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId, PolydevError } from '@polydev/protocol';
import type { EphemeralStore } from '../../store/ephemeral.ts';
import { createMemoryEphemeral } from '../../store/memory-ephemeral.ts';
import { createLeases } from '../leases.ts';

const timeout = 10_000;
const never = new AbortController().signal;
const busy = { code: 'credential_busy' };
const ttlMs = 150;

test('who waits gets his turn in the order of asking', { timeout }, async () => {
  const leases = createLeases(createMemoryEphemeral(), { holder: 'one' });
  const id = newId('credential');
  const order: number[] = [];
  await Promise.all(
    [1, 2, 3, 4].map(async (number) => {
      const lease = await leases.wait(id, never);
      order.push(number);
      await lease.release();
    }),
  );
  assert.deepEqual(order, [1, 2, 3, 4]);
});

test('who does not wait is told that it is busy, until it is free', { timeout }, async () => {
  const leases = createLeases(createMemoryEphemeral(), { holder: 'one' });
  const id = newId('credential');
  const lease = await leases.take(id);
  await assert.rejects(leases.take(id), busy);
  const other = await leases.take(newId('credential'));
  const next = leases.wait(id, never);
  await lease.release();
  await lease.release();
  await assert.rejects(leases.take(id), busy);
  await (await next).release();
  await (await leases.take(id)).release();
  await other.release();
});

test('who gives up waiting does not hold up those behind', { timeout }, async () => {
  const leases = createLeases(createMemoryEphemeral(), { holder: 'one' });
  const id = newId('credential');
  const first = await leases.take(id);
  const impatient = new AbortController();
  const given = assert.rejects(leases.wait(id, impatient.signal), { code: 'run_cancelled' });
  const behind = leases.wait(id, never);
  impatient.abort(new PolydevError('run_cancelled', 'Enough.'));
  await given;
  await first.release();
  await (await behind).release();
  await assert.rejects(leases.wait(id, impatient.signal), { code: 'run_cancelled' });
  await (await leases.take(id)).release();
});

test('what is to be done for one that gave up is done before the next has its turn', { timeout }, async () => {
  const shared = createMemoryEphemeral();
  const [one, two] = [createLeases(shared, { holder: 'one' }), createLeases(shared, { holder: 'two' })];
  const id = newId('credential');
  const elsewhere = await two.take(id);
  const impatient = new AbortController();
  const mayGoOn = Promise.withResolvers<void>();
  const given = assert.rejects(
    one.wait(id, impatient.signal, () => mayGoOn.promise),
    { code: 'run_cancelled' },
  );
  let hasTurn = false;
  const behind = one.wait(id, never).then((lease) => {
    hasTurn = true;
    return lease;
  });
  impatient.abort(new PolydevError('run_cancelled', 'Enough.'));
  await elsewhere.release();
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  assert.equal(hasTurn, false);
  mayGoOn.resolve();
  await given;
  await (await behind).release();
});

test('two controllers respect each other, and a release wakes the other', { timeout }, async () => {
  const shared = createMemoryEphemeral();
  const [one, two] = [createLeases(shared, { holder: 'one' }), createLeases(shared, { holder: 'two' })];
  const id = newId('credential');
  const first = await one.take(id);
  await assert.rejects(two.take(id), busy);
  const second = two.wait(id, never);
  await first.release();
  const lease = await second;
  await assert.rejects(one.take(id), busy);
  await lease.release();
});

test('who waits in another controller does not wait for all that wait in the first', { timeout }, async () => {
  const shared = createMemoryEphemeral();
  const [one, two] = [createLeases(shared, { holder: 'one' }), createLeases(shared, { holder: 'two' })];
  const id = newId('credential');
  const order: string[] = [];
  const first = await one.take(id);
  const work = async (leases: typeof one, name: string) => {
    const lease = await leases.wait(id, never);
    order.push(name);
    await lease.release();
  };
  const elsewhere = work(two, 'elsewhere');
  await new Promise(setImmediate); // It has asked, and waits.
  const here = ['a', 'b', 'c', 'd'].map((name) => work(one, name));
  await first.release();
  await Promise.all([elsewhere, ...here]);
  assert.ok(order.indexOf('elsewhere') < 2, order.join());
});

test('a lease is renewed as long as it is held', { timeout }, async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let nowMs = 0;
  const shared = createMemoryEphemeral({ now: () => nowMs });
  const [one, two] = [createLeases(shared, { holder: 'one', ttlMs }), createLeases(shared, { holder: 'two', ttlMs })];
  const id = newId('credential');
  const held = await one.take(id);
  for (let step = 0; step < 60; step += 1) {
    nowMs += ttlMs / 6;
    t.mock.timers.tick(ttlMs / 6);
    await new Promise(setImmediate);
    await assert.rejects(two.take(id), { code: 'credential_busy' });
  }
  assert.equal(held.lost.aborted, false);
  await held.release();
  await (await two.take(id)).release();
});

test('the lease of a dead controller runs out', { timeout }, async () => {
  const shared = createMemoryEphemeral();
  const id = newId('credential');
  assert.ok(await shared.lease(`credential:${id}`, ttlMs));
  const lease = await createLeases(shared, { holder: 'two', ttlMs }).wait(id, never);
  await lease.release();
});

test('a holder hears that its lease ran out and another has it', { timeout }, async () => {
  let nowMs = 0;
  const shared = createMemoryEphemeral({ now: () => nowMs });
  const id = newId('credential');
  const lease = await createLeases(shared, { holder: 'one', ttlMs }).take(id);
  const lost = new Promise<void>((resolve) => lease.lost.addEventListener('abort', () => resolve()));
  nowMs = ttlMs + 1;
  assert.ok(await shared.lease(`credential:${id}`, ttlMs));
  await lost;
  assert.equal(lease.lost.reason.code, 'credential_busy');
  await lease.release();
});

test('who waits does so through a time without a store', { timeout }, async () => {
  const shared = createMemoryEphemeral();
  let asked = 0;
  const lost: EphemeralStore = {
    ...shared,
    async lease(key, leaseMs, holder) {
      asked += 1;
      if (asked === 1) throw new PolydevError('unavailable', 'Redis does not answer.');
      return await shared.lease(key, leaseMs, holder);
    },
  };
  const leases = createLeases(lost, { holder: 'one', ttlMs });
  const id = newId('credential');
  await (await leases.wait(id, never)).release();
  assert.equal(asked, 2);
});

test('one that a tool elsewhere goes on with is busy, until that has ended', { timeout }, async () => {
  const shared = createMemoryEphemeral();
  const id = newId('credential');
  let used = true;
  const leases = createLeases(shared, { holder: 'two', ttlMs, usedElsewhere: async () => used });
  await assert.rejects(leases.take(id), busy);
  const waiting = leases.wait(id, never);
  const first = await createLeases(shared, { holder: 'one', ttlMs }).wait(id, never);
  used = false;
  await first.release();
  await (await waiting).release();
});

test('who left it for the next start has it again at once, and nobody else before', { timeout }, async () => {
  const shared = createMemoryEphemeral();
  const id = newId('credential');
  const left = await createLeases(shared, { holder: 'one', ttlMs: 60_000 }).take(id);
  left.abandon();
  await assert.rejects(createLeases(shared, { holder: 'two', ttlMs: 60_000 }).take(id), busy);
  await (await createLeases(shared, { holder: 'one', ttlMs: 60_000 }).take(id)).release();
});
