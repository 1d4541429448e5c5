import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { startFakeAgent } from '@polydev/drivers/fake/agent';
import { limits, newId } from '@polydev/protocol';
import * as box from '@polydev/vault/box';
import { takePicture } from '../picture.ts';
import { pngOf } from '../picture-png.ts';
import { readPicture } from '../rfb-picture.ts';
import { decodePng } from './decode-png.ts';

const timeout = 20_000;
const token = 'a token of the test, long enough to be one';

/** A display that says this, whatever it is told. */
function display(says: Buffer): Duplex {
  const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  stream.push(says);
  return stream;
}

function picture(width: number, height: number, colourAt: (at: number) => number) {
  return { width, height, pixels: Uint16Array.from({ length: width * height }, (_, at) => colourAt(at)) };
}

test('a desktop is photographed as it is now, and its viewers stay', { timeout }, async (t) => {
  const limitsOf = { memoryMiB: 256, cpus: 1, processes: 64, diskMiB: 64, homeMiB: 64 };
  const spec = { id: newId('sandbox'), profile: 'desktop', image: 'f'.repeat(64), token, limits: limitsOf } as const;
  const agent = await startFakeAgent(spec, box);
  t.after(() => agent.close());
  agent.display.paint(0xff0000);
  const access = { ...agent.endpoint, token };
  const { width, height, colourAt } = decodePng(await takePicture(access, AbortSignal.timeout(timeout)));
  assert.deepEqual([width, height, colourAt(0, 0), colourAt(63, 47)], [64, 48, 0xff0000, 0xff0000]);
  await agent.close();
  await assert.rejects(takePicture(access, AbortSignal.timeout(timeout)), { code: 'agent_unreachable' });
});

test('a display that never paints is given up when its time is over', { timeout }, async () => {
  const stream = display(Buffer.from('RFB 003.008\n'));
  const looking = readPicture(stream);
  stream.destroy();
  await assert.rejects(looking);
});

test('few colours stay exactly as they are', { timeout }, async () => {
  const png = await pngOf(picture(40, 30, (at) => (at % 40 === 7 ? 0xf800 : 0x07e0)));
  const { colourAt } = decodePng(png);
  assert.deepEqual([colourAt(7, 29), colourAt(8, 29)], [0xff0000, 0x00ff00]);
});

test('of many colours the frequent ones stay, and each other becomes one like it', { timeout }, async () => {
  const png = await pngOf(picture(256, 300, (at) => (at < 256 * 100 ? 0x1926 : at - 256 * 100)));
  const { colourAt } = decodePng(png);
  assert.equal(colourAt(3, 3), 0x192431);
  const close = (shown: number, wanted: number) =>
    [16, 8, 0].every((by) => Math.abs(((shown >> by) & 255) - ((wanted >> by) & 255)) < 96);
  // 0xc7ff, the last of them.
  assert.ok(close(colourAt(255, 299), 0xc6ffff), colourAt(255, 299).toString(16));
});

test('a picture that would be too large is made smaller until it fits', { timeout }, async () => {
  const png = await pngOf(picture(1920, 1080, (at) => Math.imul(at, 0x9e3779b1) >>> 16));
  assert.ok(png.length <= limits.pictureBytes, `${png.length}`);
  const { width, height } = decodePng(png);
  assert.equal(width / height, 1920 / 1080);
  assert.equal(
    decodePng(
      await pngOf(
        picture(3, 1, () => 0xffff),
        90,
      ),
    ).colourAt(0, 0),
    0xffffff,
  );
});

test('a desktop that lies about its size or its pixels is not believed', { timeout }, async () => {
  const greeting = (width: number, height: number) => {
    const init = Buffer.alloc(24);
    init.writeUInt16BE(width, 0);
    init.writeUInt16BE(height, 2);
    return Buffer.concat([Buffer.from('RFB 003.008\n'), Buffer.from([1, 1, 0, 0, 0, 0]), init]);
  };
  const rectangle = (x: number, encoding: number, width = 8) => {
    const update = Buffer.alloc(16);
    update.writeUInt16BE(1, 2);
    update.set([0, x, 0, 0, 0, width, 0, 8], 4);
    update.writeInt32BE(encoding, 12);
    return update;
  };
  const lies = [
    greeting(65_535, 65_535),
    greeting(0, 0),
    Buffer.from('RFB 003.008\n\x01\x02'),
    Buffer.concat([greeting(8, 8), rectangle(1, 0)]),
    Buffer.concat([greeting(8, 8), rectangle(0, 7)]),
    Buffer.concat([greeting(8, 8), rectangle(0, 0, 0)]),
    Buffer.concat([greeting(8, 8), Buffer.from([9])]),
    Buffer.concat([greeting(8, 8), Buffer.from([3, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff])]),
  ];
  for (const lie of lies) {
    await assert.rejects(readPicture(display(lie)), { code: 'agent_talks_nonsense' });
  }
});
