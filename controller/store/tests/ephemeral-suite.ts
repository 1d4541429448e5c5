/** What every ephemeral store promises. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { EphemeralStore } from '../ephemeral.ts';

export interface EphemeralUnderTest {
  name: string;
  skip: string | false;
  open(t: TestContext): Promise<{
    store: EphemeralStore;
    /** Lets this much time pass for the store. */
    pass(ms: number): Promise<void>;
  }>;
}

export function ephemeralSuite({ name, skip, open }: EphemeralUnderTest): void {
  const promise = (title: string, body: (t: TestContext) => Promise<void>) =>
    test(`${name}: ${title}`, { skip, timeout: 60_000 }, body);

  promise('a value is there until it is deleted', async (t) => {
    const { store } = await open(t);
    assert.equal(await store.get('a'), null);
    await store.set('a', 'one', 60_000);
    await store.set('a', 'two', 60_000);
    assert.equal(await store.get('a'), 'two');
    await store.delete('a');
    assert.equal(await store.get('a'), null);
  });

  promise('a value is gone when its time is over', async (t) => {
    const { store, pass } = await open(t);
    await store.set('a', 'one', 100);
    await pass(150);
    assert.equal(await store.get('a'), null);
    assert.equal(await store.take('a'), null);
  });

  promise('of many who take a value one gets it', async (t) => {
    const { store } = await open(t);
    await store.set('a', 'one', 60_000);
    const taken = await Promise.all(Array.from({ length: 20 }, () => store.take('a')));
    assert.deepEqual(
      taken.filter((value) => value !== null),
      ['one'],
    );
  });

  promise('a lease has one holder, until it is released', async (t) => {
    const { store } = await open(t);
    const claims = await Promise.all(Array.from({ length: 10 }, () => store.lease('a', 60_000)));
    const held = claims.filter((lease) => lease !== null);
    assert.equal(held.length, 1);
    await held[0]?.release();
    assert.ok(await store.lease('a', 60_000));
  });

  promise('a lease that was lost is neither renewed nor released by its old holder', async (t) => {
    const { store, pass } = await open(t);
    const first = await store.lease('a', 100);
    await pass(150);
    const second = await store.lease('a', 60_000);
    assert.ok(first && second);
    assert.equal(await first.renew(), false);
    await first.release();
    assert.equal(await store.lease('a', 60_000), null);
    assert.equal(await second.renew(), true);
  });

  promise('renewing keeps a lease beyond its first time', async (t) => {
    const { store, pass } = await open(t);
    const lease = await store.lease('a', 4_000);
    await pass(2_500);
    assert.equal(await lease?.renew(), true);
    await pass(2_500);
    assert.equal(await store.lease('a', 4_000), null);
  });

  promise('a lease that ran out goes on if nobody took it, but not after its release', async (t) => {
    const { store, pass } = await open(t);
    const lease = await store.lease('a', 2_000);
    await pass(2_100);
    assert.equal(await lease?.renew(), true);
    assert.equal(await store.lease('a', 2_000), null);
    await lease?.release();
    assert.equal(await lease?.renew(), false);
    assert.ok(await store.lease('a', 2_000));
  });

  promise('hits are counted in a window that the first one opens', async (t) => {
    const { store, pass } = await open(t);
    assert.equal(await store.hit('a', 2_000), 1);
    assert.equal(await store.hit('a', 2_000), 2);
    assert.equal(await store.hit('b', 2_000), 1);
    await pass(2_100);
    assert.equal(await store.hit('a', 2_000), 1);
  });

  promise('values, leases and hits of one name do not meet', async (t) => {
    const { store } = await open(t);
    await store.set('a', 'one', 60_000);
    assert.ok(await store.lease('a', 60_000));
    assert.equal(await store.hit('a', 60_000), 1);
    assert.equal(await store.get('a'), 'one');
  });

  promise('a message reaches each subscriber of its channel until he leaves', async (t) => {
    const { store } = await open(t);
    const heard: string[] = [];
    let arrived = () => {};
    const listen = (who: string) => (message: string) => {
      heard.push(`${who} ${message}`);
      arrived();
    };
    const leave = await store.subscribe('news', listen('first'));
    await store.subscribe('news', listen('second'));
    await store.subscribe('other', listen('third'));
    const until = async (count: number) => {
      while (heard.length < count) await new Promise<void>((resolve) => (arrived = resolve));
    };
    await store.publish('news', 'a');
    await until(2);
    leave();
    await store.publish('news', 'b');
    await until(3);
    assert.deepEqual(heard.sort(), ['first a', 'second a', 'second b']);
  });
}
