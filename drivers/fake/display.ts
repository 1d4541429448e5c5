/**
 * The smallest RFB 3.8 server that a viewer takes for a real one: no authentication, one colour, raw pixels in the
 * format that the viewer asked for.
 */

import type { Duplex } from 'node:stream';

export interface FakeDisplay {
  serve(socket: Duplex): void;
  /** What viewers typed: X11 keysyms in the order of pressing. */
  readonly keys: readonly number[];
  /** Text that viewers put into the clipboard. */
  readonly clipboard: readonly string[];
  /** Viewers that are connected now. */
  readonly viewers: number;
  /** Fills the picture, as 0xrrggbb, and shows it to viewers that asked. */
  paint(colour: number): void;
  close(): void;
}

interface Viewer {
  socket: Duplex;
  step: (data: Buffer) => number;
  pending: Buffer;
  /** It has asked for the next picture and has not been sent it. */
  waiting: boolean;
  format: Format;
}

interface Format {
  bytes: number;
  /** Of red, green and blue. */
  max: number[];
  shifts: number[];
}

const trueColour: Format = { bytes: 4, max: [255, 255, 255], shifts: [16, 8, 0] };

const clientMessages = {
  setPixelFormat: 0,
  setEncodings: 2,
  updateRequest: 3,
  key: 4,
  pointer: 5,
  cutText: 6,
} as const;

export function createFakeDisplay(size: { width: number; height: number }): FakeDisplay {
  const viewers = new Set<Viewer>();
  const keys: number[] = [];
  const clipboard: string[] = [];
  let colour = 0x1b1d23;

  function picture({ bytes, max, shifts }: Format): Buffer {
    const header = Buffer.alloc(16);
    header.writeUInt16BE(1, 2); // one rectangle, at 0, 0; encoding 0 is raw
    header.writeUInt16BE(size.width, 8);
    header.writeUInt16BE(size.height, 10);
    const pixel = Buffer.alloc(bytes);
    const channels = [(colour >> 16) & 255, (colour >> 8) & 255, colour & 255];
    const scaled = channels.map((channel, index) => Math.round((channel * (max[index] ?? 0)) / 255));
    pixel.writeUIntLE(
      scaled.reduce((sum, channel, index) => sum + channel * 2 ** (shifts[index] ?? 0), 0),
      0,
      bytes,
    );
    return Buffer.concat([header, Buffer.alloc(size.width * size.height * bytes, pixel)]);
  }

  function serverInit(): Buffer {
    const name = Buffer.from('fake');
    const head = Buffer.alloc(24);
    head.writeUInt16BE(size.width, 0);
    head.writeUInt16BE(size.height, 2);
    // 32 bits a pixel, depth 24, little endian, true colour, 8 bits each, shifts 16, 8, 0.
    head.set([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0], 4);
    head.writeUInt32BE(name.length, 20);
    return Buffer.concat([head, name]);
  }

  function show(viewer: Viewer): void {
    viewer.waiting = false;
    viewer.socket.write(picture(viewer.format));
  }

  /** Each step takes what is there and answers how many bytes it used; 0 asks for more. */
  function readMessage(viewer: Viewer, data: Buffer): number {
    switch (data[0]) {
      case clientMessages.setPixelFormat:
        if (data.length < 20) return 0;
        viewer.format = {
          bytes: (data[4] ?? 0) / 8,
          max: [8, 10, 12].map((at) => data.readUInt16BE(at)),
          shifts: [...data.subarray(14, 17)],
        };
        return 20;
      case clientMessages.setEncodings: {
        const length = data.length < 4 ? 0 : 4 + 4 * data.readUInt16BE(2);
        return data.length < length ? 0 : length;
      }
      case clientMessages.updateRequest:
        if (data.length < 10) return 0;
        if (data[1] === 0) show(viewer);
        else viewer.waiting = true;
        return 10;
      case clientMessages.key:
        if (data.length < 8) return 0;
        if (data[1] === 1) keys.push(data.readUInt32BE(4));
        return 8;
      case clientMessages.pointer:
        return data.length < 6 ? 0 : 6;
      case clientMessages.cutText: {
        if (data.length < 8) return 0;
        const length = Math.abs(data.readInt32BE(4));
        if (data.length < 8 + length) return 0;
        clipboard.push(data.subarray(8, 8 + length).toString('latin1'));
        return 8 + length;
      }
      default:
        viewer.socket.destroy();
        return data.length;
    }
  }

  function handshake(viewer: Viewer): void {
    const { socket } = viewer;
    socket.write(Buffer.from('RFB 003.008\n'));
    viewer.step = (version) => {
      if (version.length < 12) return 0;
      socket.write(Buffer.from([1, 1])); // one way in: none
      viewer.step = () => {
        socket.write(Buffer.alloc(4)); // fine
        viewer.step = () => {
          socket.write(serverInit());
          viewer.step = (data) => readMessage(viewer, data);
          return 1;
        };
        return 1;
      };
      return 12;
    };
  }

  function read(viewer: Viewer, data: Buffer): void {
    viewer.pending = Buffer.concat([viewer.pending, data]);
    while (viewer.pending.length > 0) {
      const used = viewer.step(viewer.pending);
      if (used === 0) return;
      viewer.pending = viewer.pending.subarray(used);
    }
  }

  return {
    keys,
    clipboard,
    get viewers() {
      return viewers.size;
    },
    serve(socket) {
      const viewer: Viewer = { socket, step: () => 0, pending: Buffer.alloc(0), waiting: false, format: trueColour };
      viewers.add(viewer);
      socket.on('data', (data: Buffer) => read(viewer, data));
      socket.on('end', () => socket.end());
      socket.on('close', () => viewers.delete(viewer));
      socket.on('error', () => socket.destroy());
      handshake(viewer);
    },
    paint(next) {
      colour = next;
      for (const viewer of viewers) if (viewer.waiting) show(viewer);
    },
    close() {
      for (const { socket } of viewers) socket.destroy();
    },
  };
}
