/** Carries RFB bytes between a viewer and the display's socket, each way at the pace of the slower side. */

import type { OnReadOpts, Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** What a viewer costs in memory. A unix socket rarely holds more at once, so one read takes all there is. */
const chunkBytes = 256 * 1024;

export interface Relay {
  /** How the display has to be read. */
  onread: OnReadOpts;
  start(display: Socket): void;
}

/** The display is read into the same memory again and again, as soon as the kernel has taken all of it for the viewer. */
export function createRelay(viewer: Duplex): Relay {
  let display: Socket | undefined;
  const taken = () => viewer.writableLength === 0;
  const sent = () => {
    if (taken()) display?.resume();
  };

  return {
    onread: {
      buffer: Buffer.allocUnsafeSlow(chunkBytes),
      callback(bytes, buffer) {
        viewer.write(buffer.subarray(0, bytes), sent);
        return taken();
      },
    },

    start(opened) {
      display = opened;
      display.on('error', () => opened.destroy());
      display.on('close', () => {
        viewer.resume();
        viewer.end();
      });
      viewer.on('end', () => opened.destroy());
      viewer.on('close', () => opened.destroy());
      viewer.pipe(opened);
      if (viewer.destroyed) opened.destroy();
      else opened.resume();
    },
  };
}
