import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { PolydevError } from '@polydev/protocol';
import { createDial } from '../dial.ts';
import type { Policy } from '../policy.ts';
import { startEcho, startTcp, take } from './world.ts';

/** Stands in for the public internet: this loopback address may be reached. */
const permitted = '127.0.0.9';
const policy: Policy = {
  route: () => undefined,
  checkTarget() {},
  checkAddresses(_host, addresses) {
    for (const address of addresses)
      if (address !== permitted && address !== '127.0.0.8') throw new PolydevError('egress_refused', address);
  },
};
const never = new AbortController().signal;
const unavailable = (error: unknown) => error instanceof PolydevError && error.code === 'unavailable';

suite('dialling', { timeout: 30_000 }, () => {
  test('connects to the very address that was checked: a second answer of the name is never asked for', async (t) => {
    const port = await startEcho(t, permitted);
    await startTcp(t, (socket) => socket.end('the private one'), '127.0.0.1');
    let asked = 0;
    const resolve = async () => (asked++ === 0 ? [permitted] : ['127.0.0.1']);
    const socket = await createDial({ policy, resolve, connectMs: 5_000 })(
      { host: 'rebinding.example', port },
      undefined,
      never,
    );
    t.after(() => socket.destroy());
    assert.equal(socket.remoteAddress, permitted);
    assert.equal(asked, 1);
    socket.write('hello');
    assert.equal((await take(socket, 5)).toString(), 'hello');
  });

  test('tries the next address when one does not answer', async (t) => {
    const port = await startEcho(t, permitted);
    const resolve = async () => ['127.0.0.8', permitted];
    const socket = await createDial({ policy, resolve, connectMs: 5_000 })(
      { host: 'two.example', port },
      undefined,
      never,
    );
    t.after(() => socket.destroy());
    assert.equal(socket.remoteAddress, permitted);
  });

  test('gives up after its time, while resolving as well as while connecting', async () => {
    const forever = (_name: string, signal: AbortSignal) =>
      new Promise<string[]>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const dial = createDial({ policy, resolve: forever, connectMs: 30 });
    await assert.rejects(dial({ host: 'slow.example', port: 443 }, undefined, never), unavailable);
  });

  test('stops at once when its caller is gone', async () => {
    const gone = new AbortController();
    const resolving = Promise.withResolvers<void>();
    const resolve = (_name: string, signal: AbortSignal) =>
      new Promise<string[]>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        resolving.resolve();
      });
    const dialled = createDial({ policy, resolve, connectMs: 60_000 })(
      { host: 'a.example', port: 443 },
      undefined,
      gone.signal,
    );
    await resolving.promise;
    gone.abort();
    await assert.rejects(dialled, unavailable);
  });
});
