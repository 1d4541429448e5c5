/** Carries frames from one WebSocket to another at the pace of the slower, with a bounded amount in between. */

import type { RawData, WebSocket } from 'ws';

export interface PipeLimits {
  /** The source is paused while more than this waits to be sent. */
  bufferBytes: number;
  /** With something waiting and nothing taken for this long, the reader counts as stalled. */
  stallMs: number;
}

export interface PipeEvents {
  onBytes(bytes: number): void;
  onStalled(): void;
  /** A text frame: nobody here speaks text. */
  onText(): void;
}

/** Returns the way to stop. */
export function pipe(from: WebSocket, to: WebSocket, limits: PipeLimits, events: PipeEvents): () => void {
  let stall: NodeJS.Timeout | undefined;

  function sent(): void {
    clearTimeout(stall);
    stall = undefined;
    if (to.bufferedAmount > 0) watch();
    if (from.isPaused && to.bufferedAmount <= limits.bufferBytes / 2) from.resume();
  }

  function watch(): void {
    stall ??= setTimeout(events.onStalled, limits.stallMs);
  }

  function carry(data: RawData, isBinary: boolean): void {
    if (!isBinary) events.onText();
    if (!isBinary || to.readyState !== to.OPEN) return;
    const chunk = data as Buffer;
    events.onBytes(chunk.length);
    to.send(chunk, { binary: true }, sent);
    if (to.bufferedAmount > 0) watch();
    if (to.bufferedAmount > limits.bufferBytes) from.pause();
  }

  from.on('message', carry);
  return () => {
    clearTimeout(stall);
    from.off('message', carry);
  };
}
