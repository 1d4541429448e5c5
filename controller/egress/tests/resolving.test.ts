import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { suite, type TestContext, test } from 'node:test';
import { createResolve } from '../resolve.ts';

type Records = Record<string, { a?: number[][]; aaaa?: number[][]; silent?: boolean }>;

/** A name server that knows these names and no others. */
async function startNameServer(t: TestContext, records: Records): Promise<string> {
  const server = createSocket('udp4');
  server.on('message', (query, { port, address }) => {
    let at = 12;
    const labels: string[] = [];
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const type = query.readUInt16BE(at + 1);
    const question = query.subarray(12, at + 5);
    const known = records[labels.join('.').toLowerCase()];
    if (known?.silent) return;
    const answers = (type === 1 ? known?.a : type === 28 ? known?.aaaa : undefined) ?? [];
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(known ? 0x8180 : 0x8183, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(answers.length, 6);
    const encoded = answers.map((bytes) =>
      Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, bytes.length, ...bytes]),
    );
    server.send(Buffer.concat([header, question, ...encoded]), port, address);
  });
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `127.0.0.1:${server.address().port}`;
}

const never = new AbortController().signal;
const ipv6 = [0x26, 6, 0x47, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11, 0x11];

suite('resolving a name', { timeout: 30_000 }, () => {
  test('gives every address of both families', async (t) => {
    const server = await startNameServer(t, {
      'both.example': {
        a: [
          [8, 8, 8, 8],
          [10, 0, 0, 1],
        ],
        aaaa: [ipv6],
      },
      'four.example': { a: [[8, 8, 4, 4]] },
      'six.example': { aaaa: [ipv6] },
    });
    const resolve = createResolve([server]);
    assert.deepEqual((await resolve('both.example', never)).sort(), ['10.0.0.1', '2606:4700::1111', '8.8.8.8']);
    assert.deepEqual(await resolve('four.example', never), ['8.8.4.4']);
    assert.deepEqual(await resolve('six.example', never), ['2606:4700::1111']);
  });

  test('rejects for a name that nobody knows, and for one without an address', async (t) => {
    const server = await startNameServer(t, { 'empty.example': {} });
    const resolve = createResolve([server]);
    await assert.rejects(resolve('unknown.example', never));
    await assert.rejects(resolve('empty.example', never));
  });

  test('knows nothing of /etc/hosts', async (t) => {
    const resolve = createResolve([await startNameServer(t, {})]);
    await assert.rejects(resolve('localhost', never));
  });

  test('ends at once when it is broken off', async (t) => {
    const server = await startNameServer(t, { 'silent.example': { silent: true } });
    const stop = new AbortController();
    const asked = createResolve([server])('silent.example', stop.signal);
    const startedAt = performance.now();
    setImmediate(() => stop.abort());
    await assert.rejects(asked);
    // By itself it would end after nine.
    assert.ok(performance.now() - startedAt < 8_000);
  });
});
