/** Carries RFB bytes between a viewer's WebSocket and the display's socket, each at the pace of the slower side. */

import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';

/** Of what waits to be sent to the viewer. Above `high` the display is not read until it is below `low`. */
const marks = { highBytes: 512 * 1024, lowBytes: 128 * 1024 };

export function relay(viewer: WebSocket, display: Socket): void {
  function sent(): void {
    if (display.isPaused() && viewer.bufferedAmount <= marks.lowBytes) display.resume();
  }

  display.on('data', (chunk) => {
    viewer.send(chunk, sent);
    if (viewer.bufferedAmount > marks.highBytes) display.pause();
  });
  display.on('drain', () => viewer.resume());
  display.on('close', () => {
    viewer.resume();
    viewer.close(1001, 'the display ended');
  });

  viewer.on('message', (data, isBinary) => {
    if (!isBinary) return viewer.close(1003, 'binary frames only');
    if (!display.write(data as Buffer)) viewer.pause();
  });
  viewer.on('error', () => viewer.terminate());
  viewer.on('close', () => display.destroy());
}
