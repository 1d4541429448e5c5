import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createConnection, type DisplayAddress, type PictureEvents, ViewerEnded } from '../src/viewer/connection.ts';
import type { ViewerState } from '../src/viewer/state.ts';

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A viewer's surroundings, held in the hand: tickets, sockets and time. */
function createBench() {
  const timers: { callback: () => void; ms: number }[] = [];
  const pictures: { address: DisplayAddress; events: PictureEvents; closed: boolean }[] = [];
  const states: ViewerState[] = [];
  let tickets = 0;
  let refusal: Error | undefined;
  const connection = createConnection<DisplayAddress>({
    async connect() {
      if (refusal) throw refusal;
      tickets += 1;
      return { url: 'ws://test/', protocols: ['binary', `ticket.${tickets}`] };
    },
    openSocket: (address) => address,
    startPicture(address, events) {
      const picture = { address, events, closed: false };
      pictures.push(picture);
      return {
        close: () => {
          picture.closed = true;
        },
      };
    },
    onState: (state) => states.push(state),
    handshakeMs: 10_000,
    setTimer(callback, ms) {
      const timer = { callback, ms };
      timers.push(timer);
      return () => {
        const index = timers.indexOf(timer);
        if (index >= 0) timers.splice(index, 1);
      };
    },
    random: () => 0,
  });
  return {
    connection,
    states,
    timers,
    pictures,
    refuseWith(error: Error | undefined) {
      refusal = error;
    },
    async pass() {
      const timer = timers.shift();
      timer?.callback();
      await settle();
      return timer?.ms;
    },
  };
}

test('a picture that is painted is live', async () => {
  const bench = createBench();
  await settle();
  bench.pictures[0]?.events.onPainted();
  bench.pictures[0]?.events.onLatency(7);
  assert.deepEqual(bench.states, [
    { name: 'connecting' },
    { name: 'live', latencyMs: null },
    { name: 'live', latencyMs: 7 },
  ]);
  assert.equal(bench.timers.length, 0);
});

test('after a loss it comes back by itself, with a new ticket and a growing pause', async () => {
  const bench = createBench();
  await settle();
  bench.pictures[0]?.events.onPainted();
  bench.pictures[0]?.events.onClosed('cut', false);
  assert.deepEqual(bench.connection.state, { name: 'reconnecting', attempt: 1, why: 'cut' });
  assert.equal(await bench.pass(), 250);
  bench.pictures[1]?.events.onClosed('cut', false);
  assert.equal(await bench.pass(), 500);
  bench.pictures[2]?.events.onPainted();
  assert.equal(bench.connection.state.name, 'live');
  assert.deepEqual(
    bench.pictures.map(({ address }) => address.protocols[1]),
    ['ticket.1', 'ticket.2', 'ticket.3'],
  );
});

test('a refused ticket is asked for again, until the answer is that it is over', async () => {
  const bench = createBench();
  await settle();
  bench.pictures[0]?.events.onClosed('cut', false);
  bench.refuseWith(new Error('Polydev does not answer.'));
  await bench.pass();
  assert.deepEqual(bench.connection.state, { name: 'reconnecting', attempt: 2, why: 'Polydev does not answer.' });
  bench.refuseWith(new ViewerEnded('The sign-in has ended.'));
  await bench.pass();
  assert.deepEqual(bench.connection.state, { name: 'ended', why: 'The sign-in has ended.' });
  assert.equal(bench.timers.length, 0);
  assert.equal(bench.pictures.length, 1);
});

test('a desktop that is closed for good is not asked for again', async () => {
  const bench = createBench();
  await settle();
  bench.pictures[0]?.events.onPainted();
  bench.pictures[0]?.events.onClosed('Successfully connected.', true);
  assert.deepEqual(bench.connection.state, { name: 'ended', why: 'Successfully connected.' });
  assert.equal(bench.timers.length, 0);
});

test('a socket that never paints is given up and closed', async () => {
  const bench = createBench();
  await settle();
  assert.equal(await bench.pass(), 10_000);
  assert.equal(bench.pictures[0]?.closed, true);
  assert.deepEqual(bench.connection.state, { name: 'reconnecting', attempt: 1, why: 'The desktop does not answer.' });
});

test('what a former picture still says is not heard', async () => {
  const bench = createBench();
  await settle();
  bench.pictures[0]?.events.onClosed('cut', false);
  await bench.pass();
  bench.pictures[0]?.events.onPainted();
  bench.pictures[0]?.events.onClosed('late', false);
  assert.deepEqual(bench.connection.state, { name: 'reconnecting', attempt: 1, why: 'cut' });
});

test('ending closes the picture and cancels every timer, once', async () => {
  const bench = createBench();
  await settle();
  bench.connection.end('Successfully connected.');
  bench.connection.end('again');
  bench.pictures[0]?.events.onClosed('closed', false);
  assert.equal(bench.pictures[0]?.closed, true);
  assert.equal(bench.timers.length, 0);
  assert.deepEqual(bench.states.at(-1), { name: 'ended', why: 'Successfully connected.' });
  assert.equal(bench.states.length, 2);
});

test('a person, or the network coming back, need not wait for the pause', async () => {
  const bench = createBench();
  await settle();
  bench.pictures[0]?.events.onClosed('cut', false);
  bench.connection.retryNow();
  bench.connection.retryNow();
  await settle();
  assert.equal(bench.pictures.length, 2);
});
