/** Reads the PNGs that Polydev writes: what a viewer of images would see in them. */

import assert from 'node:assert/strict';
import { crc32, inflateSync } from 'node:zlib';

export interface Decoded {
  width: number;
  height: number;
  /** As 0xrrggbb. */
  colourAt(x: number, y: number): number;
}

export function decodePng(png: Uint8Array): Decoded {
  const bytes = Buffer.from(png);
  assert.equal(bytes.subarray(0, 8).toString('latin1'), '\x89PNG\r\n\x1a\n');
  const chunks: Record<string, Buffer> = {};
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const body = bytes.subarray(at + 4, at + 8 + length);
    assert.equal(bytes.readUInt32BE(at + 8 + length), crc32(body));
    chunks[body.toString('latin1', 0, 4)] = body.subarray(4);
    at += 12 + length;
  }
  const { IHDR, PLTE, IDAT, IEND } = chunks;
  assert.ok(IHDR && PLTE && IDAT && IEND);
  assert.deepEqual([...IHDR.subarray(8)], [8, 3, 0, 0, 0]);
  const [width, height] = [IHDR.readUInt32BE(0), IHDR.readUInt32BE(4)];
  const rows = inflateSync(IDAT);
  assert.equal(rows.length, height * (width + 1));
  return {
    width,
    height,
    colourAt: (x, y) => PLTE.readUIntBE(3 * (rows[y * (width + 1) + 1 + x] ?? 0), 3),
  };
}
