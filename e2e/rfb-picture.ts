/**
 * A small RFB 3.8 client (RFC 6143) that keeps the picture: raw encoding, 32 bits a pixel. It lets tests and benches
 * see what a person sees, without a browser.
 */

import type { Duplex } from 'node:stream';

const messageType = { framebufferUpdate: 0, colourMap: 1, bell: 2, cutText: 3 } as const;
const securityNone = 1;
const encodingRaw = 0;
const encodingDesktopSize = -223;
const bytesPerPixel = 4;

export interface Picture {
  width: number;
  height: number;
  /** Blue, green, red, unused; row by row from the top left. */
  pixels: Buffer;
}

/** Reads the stream until `wanted` says yes of the picture; then ends the stream and returns the picture. */
export async function waitForPicture(stream: Duplex, wanted: (picture: Picture) => boolean): Promise<Picture> {
  const reader = createReader(stream);
  try {
    const picture = await handshake(stream, reader);
    requestUpdate(stream, picture, false);
    while (true) {
      if (await readMessage(reader, picture)) {
        if (wanted(picture)) return picture;
        requestUpdate(stream, picture, true);
      }
    }
  } finally {
    stream.destroy();
  }
}

/** The part of the picture that has exactly this colour, 0 to 1. */
export function shareOf(picture: Picture, colour: { r: number; g: number; b: number }): number {
  const { pixels } = picture;
  let hits = 0;
  for (let at = 0; at < pixels.length; at += bytesPerPixel) {
    if (pixels[at] === colour.b && pixels[at + 1] === colour.g && pixels[at + 2] === colour.r) hits += 1;
  }
  return hits / (pixels.length / bytesPerPixel);
}

export async function handshake(stream: Duplex, reader: Reader): Promise<Picture> {
  await reader.take(12);
  stream.write('RFB 003.008\n');
  const [count = 0] = await reader.take(1);
  const offered = await reader.take(count);
  if (!offered.includes(securityNone)) throw new Error('The display does not offer security type None.');
  stream.write(Buffer.from([securityNone]));
  if ((await reader.take(4)).readUInt32BE() !== 0) throw new Error('The display refused.');
  stream.write(Buffer.from([1])); // shared
  const init = await reader.take(24);
  await reader.take(init.readUInt32BE(20)); // name

  const pixelFormat = Buffer.alloc(20);
  pixelFormat.set([0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0], 0);
  stream.write(pixelFormat);
  const encodings = Buffer.alloc(12);
  encodings.writeUInt8(2, 0);
  encodings.writeUInt16BE(2, 2);
  encodings.writeInt32BE(encodingRaw, 4);
  encodings.writeInt32BE(encodingDesktopSize, 8);
  stream.write(encodings);
  return blank(init.readUInt16BE(0), init.readUInt16BE(2));
}

function blank(width: number, height: number): Picture {
  return { width, height, pixels: Buffer.alloc(width * height * bytesPerPixel) };
}

function requestUpdate(stream: Duplex, picture: Picture, incremental: boolean): void {
  const request = Buffer.alloc(10);
  request.writeUInt8(3, 0);
  request.writeUInt8(incremental ? 1 : 0, 1);
  request.writeUInt16BE(picture.width, 6);
  request.writeUInt16BE(picture.height, 8);
  stream.write(request);
}

/** True when the picture changed. */
async function readMessage(reader: Reader, picture: Picture): Promise<boolean> {
  const [type] = await reader.take(1);
  if (type === messageType.bell) return false;
  if (type === messageType.cutText) {
    const head = await reader.take(7);
    await reader.take(Math.abs(head.readInt32BE(3)));
    return false;
  }
  if (type === messageType.colourMap) {
    const head = await reader.take(5);
    await reader.take(head.readUInt16BE(3) * 6);
    return false;
  }
  if (type !== messageType.framebufferUpdate) throw new Error(`Unexpected RFB message ${type}.`);
  const rectangles = (await reader.take(3)).readUInt16BE(1);
  for (let index = 0; index < rectangles; index += 1) await readRectangle(reader, picture);
  return true;
}

async function readRectangle(reader: Reader, picture: Picture): Promise<void> {
  const head = await reader.take(12);
  const [x, y, width, height] = [0, 2, 4, 6].map((at) => head.readUInt16BE(at)) as [number, number, number, number];
  const encoding = head.readInt32BE(8);
  if (encoding === encodingDesktopSize) {
    Object.assign(picture, blank(width, height));
    return;
  }
  if (encoding !== encodingRaw) throw new Error(`Unexpected RFB encoding ${encoding}.`);
  const data = await reader.take(width * height * bytesPerPixel);
  for (let row = 0; row < height; row += 1) {
    const from = row * width * bytesPerPixel;
    data.copy(picture.pixels, ((y + row) * picture.width + x) * bytesPerPixel, from, from + width * bytesPerPixel);
  }
}

export interface Reader {
  take(bytes: number): Promise<Buffer>;
}

export function createReader(stream: Duplex): Reader {
  const chunks: AsyncIterator<Buffer> = stream[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  return {
    async take(bytes) {
      const parts = [rest];
      let there = rest.length;
      while (there < bytes) {
        const { value, done } = await chunks.next();
        if (done) throw new Error('The display ended the stream.');
        parts.push(value);
        there += value.length;
      }
      const all = parts.length === 1 ? rest : Buffer.concat(parts);
      rest = all.subarray(bytes);
      return all.subarray(0, bytes);
    },
  };
}
