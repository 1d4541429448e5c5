import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createEmbeddedPatience, createPatience, isDatabaseLoss, orUndo } from '../patience.ts';
import { createTestWatch } from '../testing.ts';

const timeout = 20_000;
const loss = () => Object.assign(new Error('no'), { code: 'ECONNREFUSED' });
const full = () => Object.assign(new Error('no'), { code: '53100' });
const away = { code: 'unavailable' };
const [reads, writes] = [{ writes: false }, { writes: true }];

function world(t: TestContext) {
  let there = true;
  const { watch, told, until } = createTestWatch();
  const ask = async () => {
    if (!there) throw loss();
  };
  const patience = createPatience(ask, watch);
  t.after(() => patience.end());
  return {
    patience,
    told,
    until,
    leave() {
      there = false;
      void patience.look();
    },
    comeBack() {
      there = true;
    },
  };
}

test('work that the loss broke off is done again when the database is back, and knows it', { timeout }, async (t) => {
  const { patience, leave, comeBack, told, until } = world(t);
  const tries: boolean[] = [];
  const done = patience.insist(async (again) => {
    tries.push(again);
    if (tries.length === 1) {
      leave();
      throw loss();
    }
    return 'done';
  });
  await until(1);
  comeBack();
  assert.equal(await done, 'done');
  assert.deepEqual(tries, [false, true]);
  assert.deepEqual(told, ['lost', 'back']);
});

test('work that begins while the database is away waits for it', { timeout }, async (t) => {
  const { patience, leave, comeBack, until } = world(t);
  leave();
  await until(1);
  let tries = 0;
  const done = patience.insist(async () => {
    tries += 1;
    return tries;
  });
  comeBack();
  assert.equal(await done, 1);
});

test('a connection that breaks while the database is there does not make it lost', { timeout }, async (t) => {
  const { patience, told } = world(t);
  let tries = 0;
  await patience.insist(async () => {
    tries += 1;
    if (tries === 1) throw loss();
  });
  assert.equal(tries, 2);
  assert.deepEqual(told, []);
});

test('who does not wait is told at once, and only while it is away', { timeout }, async (t) => {
  const { patience, leave, comeBack, until } = world(t);
  patience.check();
  const asked = patience.unlessAway(new Promise(() => {}), reads);
  leave();
  await assert.rejects(asked, away);
  assert.throws(() => patience.check(), away);
  await assert.rejects(patience.unlessAway(new Promise(() => {}), reads), away);
  comeBack();
  await until(2);
  patience.check();
  assert.equal(await patience.unlessAway(Promise.resolve('an answer'), reads), 'an answer');
});

for (const [where, create] of [
  ['server', (t: TestContext) => world(t).patience],
  ['embedded', createEmbeddedPatience],
] as const)
  test(`${where}: what finds no room waits for it, and who does not wait is told, but not who reads`, {
    timeout,
  }, async (t) => {
    const patience = create(t);
    const reading = Promise.withResolvers<string>();
    const read = patience.unlessAway(reading.promise, reads);
    const write = patience.unlessAway(new Promise(() => {}), writes);
    let tries = 0;
    const done = patience.insist(async () => {
      tries += 1;
      if (tries < 3) throw new Error('Failed query', { cause: full() });
      return tries;
    });
    await assert.rejects(write, { code: 'disk_full' });
    assert.equal(await done, 3);
    reading.resolve('an answer');
    assert.equal(await read, 'an answer');
  });

test('when the controller ends nothing waits for room any more', { timeout }, async () => {
  const patience = createEmbeddedPatience();
  const waiting = patience.insist(() => Promise.reject(full()));
  patience.end();
  await assert.rejects(waiting, /no/);
});

test('what else goes wrong is not done again', { timeout }, async (t) => {
  const { patience } = world(t);
  const wrong = Object.assign(new Error('no such table'), { code: '42P01' });
  let tries = 0;
  const work = patience.insist(async () => {
    tries += 1;
    throw wrong;
  });
  await assert.rejects(work, wrong);
  assert.equal(tries, 1);
});

test('when the controller ends nothing waits any more', { timeout }, async (t) => {
  const { patience, leave, until } = world(t);
  leave();
  await until(1);
  const waiting = patience.insist(() => Promise.reject(loss()));
  patience.end();
  await assert.rejects(waiting, /no/);
});

test('what was done for someone who was told that it was not is undone', { timeout }, async (t) => {
  const { patience, leave, comeBack, until } = world(t);
  const undone = Promise.withResolvers<void>();
  leave();
  await until(1);
  const undo = async () => undone.resolve();
  await assert.rejects(
    orUndo(patience, () => Promise.reject(loss()), undo),
    /no/,
  );
  comeBack();
  await undone.promise;
  await assert.rejects(
    orUndo(
      patience,
      () => Promise.reject(new Error('wrong')),
      () => assert.fail('nothing was done'),
    ),
    /wrong/,
  );
});

test('a loss is known by what the client, the server and the network say', { timeout }, () => {
  for (const code of ['57P01', '57P03', '08006', 'ECONNRESET']) {
    const error = Object.assign(new Error('x'), { code });
    assert.ok(isDatabaseLoss(new Error('Failed query', { cause: error })), code);
  }
  for (const words of [
    'Connection terminated unexpectedly',
    'timeout expired',
    'Client was closed and is not queryable',
  ])
    assert.ok(isDatabaseLoss(new Error(words)), words);
  for (const other of [Object.assign(new Error('x'), { code: '23505' }), new Error('Something else'), 'text'])
    assert.ok(!isDatabaseLoss(other));
});
