/** One look at a desktop: a small RFB 3.8 client (RFC 6143) that asks for the whole picture once, raw, 16 bits a pixel. */

import type { Duplex } from 'node:stream';
import { PolydevError } from '@polydev/protocol';

/** Red, green and blue in 5, 6 and 5 bits, row by row from the top left. */
export interface Picture {
  width: number;
  height: number;
  pixels: Uint16Array<ArrayBuffer>;
}

const messageType = { framebufferUpdate: 0, colourMap: 1, bell: 2, cutText: 3 } as const;
const securityNone = 1;
const encodingRaw = 0;
const bytesPerPixel = 2;
const pixelFormat = Buffer.from([0, 0, 0, 0, 16, 16, 0, 1, 0, 31, 0, 63, 0, 31, 11, 5, 0, 0, 0, 0]);
const onlyRaw = Buffer.from([2, 0, 0, 1, 0, 0, 0, encodingRaw]);
/** What a desktop may make this process hold. */
const maxPixels = 4096 * 2304;
const maxTextBytes = 4 * 1024 * 1024;

/** Rejects when the display does not do its part, or the stream ends. The stream is gone afterwards. */
export async function readPicture(stream: Duplex): Promise<Picture> {
  const reader = createReader(stream);
  try {
    const picture = await handshake(stream, reader);
    stream.write(updateRequest(picture));
    while (!(await readMessage(reader, picture)));
    return picture;
  } finally {
    stream.destroy();
  }
}

async function handshake(stream: Duplex, reader: Reader): Promise<Picture> {
  await reader.take(12);
  stream.write('RFB 003.008\n');
  const [count = 0] = await reader.take(1);
  const offered = await reader.take(count);
  if (!offered.includes(securityNone)) throw nonsense();
  stream.write(Buffer.from([securityNone]));
  if ((await reader.take(4)).readUInt32BE() !== 0) throw nonsense();
  stream.write(Buffer.from([1])); // Viewers stay connected.
  const init = await reader.take(24);
  await reader.skip(init.readUInt32BE(20)); // name
  const [width, height] = [init.readUInt16BE(0), init.readUInt16BE(2)];
  if (width * height === 0 || width * height > maxPixels) throw nonsense();
  stream.write(Buffer.concat([pixelFormat, onlyRaw]));
  return { width, height, pixels: new Uint16Array(width * height) };
}

/** For all of it, changed or not. */
function updateRequest({ width, height }: Picture): Buffer {
  const request = Buffer.alloc(10);
  request.writeUInt8(3, 0);
  request.writeUInt16BE(width, 6);
  request.writeUInt16BE(height, 8);
  return request;
}

/** True when it was the picture. */
async function readMessage(reader: Reader, picture: Picture): Promise<boolean> {
  const [type] = await reader.take(1);
  switch (type) {
    case messageType.bell:
      return false;
    case messageType.cutText:
      await reader.skip(Math.abs((await reader.take(7)).readInt32BE(3)));
      return false;
    case messageType.colourMap:
      await reader.skip((await reader.take(5)).readUInt16BE(3) * 6);
      return false;
    case messageType.framebufferUpdate: {
      const rectangles = (await reader.take(3)).readUInt16BE(1);
      for (let index = 0; index < rectangles; index += 1) await readRectangle(reader, picture);
      return rectangles > 0;
    }
    default:
      throw nonsense();
  }
}

async function readRectangle(reader: Reader, picture: Picture): Promise<void> {
  const head = await reader.take(12);
  const [x, y, width, height] = [0, 2, 4, 6].map((at) => head.readUInt16BE(at)) as [number, number, number, number];
  // One of nothing would cost its rows and no bytes.
  const isSome = width > 0 && height > 0;
  const inside = x + width <= picture.width && y + height <= picture.height;
  if (head.readInt32BE(8) !== encodingRaw || !isSome || !inside) throw nonsense();
  const data = await reader.take(width * height * bytesPerPixel);
  const rowBytes = width * bytesPerPixel;
  const pixels = Buffer.from(picture.pixels.buffer);
  for (let row = 0; row < height; row += 1)
    data.copy(pixels, ((y + row) * picture.width + x) * bytesPerPixel, row * rowBytes, (row + 1) * rowBytes);
}

interface Reader {
  take(bytes: number): Promise<Buffer>;
  skip(bytes: number): Promise<void>;
}

function createReader(stream: Duplex): Reader {
  const chunks: AsyncIterator<Buffer> = stream[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  async function take(bytes: number): Promise<Buffer> {
    const parts = [rest];
    let there = rest.length;
    while (there < bytes) {
      const { value, done } = await chunks.next();
      if (done) throw new PolydevError('agent_unreachable', 'The desktop ended the stream.');
      parts.push(value);
      there += value.length;
    }
    const all = parts.length === 1 ? rest : Buffer.concat(parts);
    rest = all.subarray(bytes);
    return all.subarray(0, bytes);
  }
  return {
    take,
    async skip(bytes) {
      if (bytes > maxTextBytes) throw nonsense();
      await take(bytes);
    },
  };
}

function nonsense(): PolydevError {
  return new PolydevError('agent_talks_nonsense', 'The desktop sent something that is no picture.');
}
