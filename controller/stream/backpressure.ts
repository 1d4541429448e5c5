/** Carries bytes between a desktop and a viewer at the pace of the slower, with a bounded amount in between. */

import type { WebSocket } from 'ws';
import type { Upstream } from './upstream.ts';

export interface PipeLimits {
  /** The viewer is not read while more than this of what it said waits for the desktop. */
  bufferBytes: number;
  /** With something waiting and nothing taken for this long, the reader counts as stalled. */
  stallMs: number;
}

export interface PipeEvents {
  onBytes(bytes: number): void;
  onStalled(): void;
}

/** One chunk at a time: the next is read when the kernel has all of the last. Returns the way to stop. */
export function pipeDown(desktop: Upstream, viewer: WebSocket, stallMs: number, events: PipeEvents): () => void {
  const stall = createStallWatch(() => viewer.bufferedAmount, stallMs, events.onStalled);

  function sent(): void {
    if (stall.taken() === 0) desktop.socket.resume();
  }

  desktop.read((chunk) => {
    // What comes after the viewer's close is for nobody.
    if (viewer.readyState !== viewer.OPEN) return true;
    events.onBytes(chunk.length);
    viewer.send(chunk, sent);
    return stall.given() === 0;
  });
  return stall.stop;
}

/** Returns the way to stop. */
export function pipeUp(
  viewer: WebSocket,
  { socket: desktop }: Upstream,
  limits: PipeLimits,
  events: PipeEvents & {
    /** A text frame: nobody here speaks text. */
    onText(): void;
  },
): () => void {
  const stall = createStallWatch(() => desktop.writableLength, limits.stallMs, events.onStalled);

  function sent(): void {
    if (stall.taken() <= limits.bufferBytes / 2 && viewer.isPaused) viewer.resume();
  }

  function carry(data: Buffer, isBinary: boolean): void {
    if (!isBinary) events.onText();
    if (!isBinary || !desktop.writable) return;
    events.onBytes(data.length);
    desktop.write(data, sent);
    if (stall.given() > limits.bufferBytes) viewer.pause();
  }

  viewer.on('message', carry);
  return () => {
    stall.stop();
    viewer.off('message', carry);
  };
}

/** Asks how much is waiting, each time something was given or taken, and hears of a reader that takes nothing. */
function createStallWatch(waiting: () => number, stallMs: number, onStalled: () => void) {
  let stall: NodeJS.Timeout | undefined;

  function stop(): void {
    clearTimeout(stall);
    stall = undefined;
  }

  function given(): number {
    const bytes = waiting();
    if (bytes > 0) stall ??= setTimeout(onStalled, stallMs);
    return bytes;
  }

  function taken(): number {
    stop();
    return given();
  }

  return { given, taken, stop };
}
