import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { newId, type RunStreamEvent } from '@polydev/protocol';
import type { Database } from '../database.ts';
import type { EphemeralStore } from '../ephemeral.ts';
import { createEventLog } from '../events.ts';
import { createMemoryEphemeral } from '../memory-ephemeral.ts';
import { events, facts } from '../schema.ts';
import { embedded, server } from './databases.ts';

const text = (value: string): RunStreamEvent => ({ type: 'event', event: { type: 'text', text: value } });
const textOf = (event: RunStreamEvent) =>
  event.type === 'event' && event.event.type === 'text' ? event.event.text : '';
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** Two logs over one database and one ephemeral store, as two controllers have. */
async function openTwo(t: TestContext, database: typeof embedded, ephemeral: EphemeralStore = createMemoryEphemeral()) {
  const store = await database.open(t);
  const other = (await database.reopen?.()) ?? { ...store, close: async () => {} };
  t.after(() => other.close());
  return { db: store.db, here: createEventLog(store, ephemeral), there: createEventLog(other, ephemeral) };
}

for (const database of [embedded, server]) {
  const promise = (title: string, body: (t: TestContext) => Promise<void>) =>
    test(`${database.name}: ${title}`, { skip: database.skip, timeout: 300_000 }, body);

  promise('events are numbered from 1 in the order of the calls, stream by stream', async (t) => {
    const { here } = await openTwo(t, database);
    const [first, second] = [newId('run'), newId('run')];
    const appended = await Promise.all(numbers(1, 50).map((n) => here.append(first, text(String(n)))));
    assert.deepEqual(
      appended.map((row) => row.seq),
      numbers(1, 50),
    );
    const rows = await here.read(first, 0);
    assert.deepEqual(
      rows.map((row) => textOf(row.event)),
      numbers(1, 50).map(String),
    );
    assert.equal((await here.append(second, text('x'))).seq, 1);
    assert.deepEqual(
      (await here.read(first, 48)).map((row) => row.seq),
      [49, 50],
    );
  });

  promise('two controllers that append to one stream leave no gap and no duplicate', async (t) => {
    const { here, there } = await openTwo(t, database);
    const run = newId('run');
    await Promise.all(
      numbers(1, 40).flatMap((n) => [here.append(run, text(`h${n}`)), there.append(run, text(`t${n}`))]),
    );
    assert.deepEqual(
      (await here.read(run, 0)).map((row) => row.seq),
      numbers(1, 80),
    );
  });

  promise('what an event says is done with it or not at all, and once', async (t) => {
    const { here, there } = await openTwo(t, database);
    const [run, other] = [newId('run'), newId('run')];
    const done = async () => null;
    const write = (word: string) => async (tx: Database) => {
      await tx.insert(facts).values({ name: word, value: word });
      return word;
    };
    const broken = async (tx: Database) => {
      await write('broken')(tx);
      throw new Error('It broke off.');
    };
    await here.append(run, text('a'));
    await there.append(run, text('b')); // which takes the number that is the next one here
    assert.equal(await here.appendWith(run, text('c'), { work: write('c'), done }), 'c');
    await assert.rejects(here.appendWith(run, text('d'), { work: broken, done }), /broke off/);
    assert.equal(await here.appendWith(run, text('e'), { work: async () => null, done }), null);
    await here.append(run, text('f'));
    assert.deepEqual(
      (await there.read(run, 0)).map(({ seq, event }) => `${seq}${textOf(event)}`),
      ['1a', '2b', '3c', '4f'],
    );
    // Had it been done, its name would be taken.
    assert.equal(await here.appendWith(other, text('a'), { work: write('broken'), done }), 'broken');
  });

  promise('a follower gets history, then what another controller appends, each once', async (t) => {
    const { here, there } = await openTwo(t, database);
    const run = newId('run');
    for (const n of numbers(1, 5)) await here.append(run, text(String(n)));
    const stop = new AbortController();
    const seen: number[] = [];
    const appending = (async () => {
      for (const n of numbers(6, 30)) await there.append(run, text(String(n)));
    })();
    for await (const row of here.follow(run, 2, stop.signal)) {
      seen.push(row.seq);
      if (row.seq === 30) stop.abort();
    }
    await appending;
    assert.deepEqual(seen, numbers(3, 30));
  });

  promise('a history of many batches is read to its end', async (t) => {
    const { db, here } = await openTwo(t, database);
    const run = newId('run');
    const rows = numbers(1, 1200).map((seq) => ({ stream: run, seq, atMs: 1, event: text(String(seq)) }));
    await db.insert(events).values(rows);
    const seen: number[] = [];
    for await (const row of here.follow(run, 0, AbortSignal.timeout(120_000))) {
      seen.push(row.seq);
      if (row.seq === 1200) break;
    }
    assert.deepEqual(seen, numbers(1, 1200));
  });

  promise('a removed stream is empty', async (t) => {
    const { here } = await openTwo(t, database);
    const run = newId('run');
    await here.append(run, text('a'));
    await here.remove(run);
    assert.deepEqual(await here.read(run, 0), []);
  });
}

test('a follower ends with its signal while nothing happens', { timeout: 60_000 }, async (t) => {
  const { here } = await openTwo(t, embedded);
  const stop = new AbortController();
  const following = (async () => {
    for await (const _ of here.follow(newId('run'), 0, stop.signal)) assert.fail('nothing was appended');
  })();
  setImmediate(() => stop.abort());
  await following;
});

test('a follower catches up although the wake-up was lost', { timeout: 60_000 }, async (t) => {
  const deaf = { ...createMemoryEphemeral(), publish: async () => {} };
  const { here } = await openTwo(t, embedded, deaf);
  const run = newId('run');
  const follower = here.follow(run, 0, AbortSignal.timeout(45_000));
  const next = follower.next();
  await here.append(run, text('a'));
  const { value } = await next;
  assert.equal(value?.seq, 1);
  await follower.return();
});
