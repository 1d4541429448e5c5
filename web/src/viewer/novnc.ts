/**
 * The one place that knows noVNC's insides (its version is pinned): when the first picture is painted, how long the way
 * to the display and back is, and which size the remote desktop shall have.
 */

import RFB from '@novnc/novnc';
import type { Size } from './scale.ts';

const fenceRequest = 0x8000_0000;
const fencePayload = 'polydev-ping';
/** A window being dragged asks once, when it rests. */
const resizeRestMs = 300;

export interface RemoteScreenEvents {
  onPainted(): void;
  onLatency(latencyMs: number): void;
}

export class RemoteScreen extends RFB {
  #wantedSize: () => Size;
  #events: RemoteScreenEvents;
  #painted = false;
  #pingSentMs: number | undefined;
  #resizeTimer: ReturnType<typeof setTimeout> | undefined;
  #asked: Size | undefined;

  constructor(target: HTMLElement, socket: WebSocket, wantedSize: () => Size, events: RemoteScreenEvents) {
    super(target, socket, { shared: true });
    this.#wantedSize = wantedSize;
    this.#events = events;
    this.scaleViewport = true;
    this.background = 'transparent';
  }

  get canvas(): HTMLCanvasElement {
    return this._canvas;
  }

  /** Milliseconds that a ping has been waiting for its answer; 0 when none is. */
  get waitingMs(): number {
    return this.#pingSentMs === undefined ? 0 : performance.now() - this.#pingSentMs;
  }

  /** Measures the way to the display and back, if the server can and no measurement is under way. */
  ping(): void {
    if (this._rfbConnectionState !== 'connected' || !this._supportsFence || this.#pingSentMs !== undefined) return;
    this.#pingSentMs = performance.now();
    RFB.messages.clientFence(this._sock, fenceRequest, fencePayload);
  }

  releaseKeys(): void {
    this._keyboard._allKeysUp();
  }

  /** Asks the remote desktop to take the wanted size, when that has not changed for a moment. */
  override _requestRemoteResize(): void {
    clearTimeout(this.#resizeTimer);
    this.#resizeTimer = setTimeout(() => this.#resize(), this.#asked === undefined ? 0 : resizeRestMs);
  }

  #resize(): void {
    if (this._rfbConnectionState !== 'connected' || !this._supportsSetDesktopSize) return;
    const { width, height } = this.#wantedSize();
    if (width === this._fbWidth && height === this._fbHeight) return;
    // A server that grants another size than asked for is not asked the same again.
    if (width === this.#asked?.width && height === this.#asked.height) return;
    this.#asked = { width, height };
    RFB.messages.setDesktopSize(this._sock, width, height, this._screenID, this._screenFlags);
  }

  override _handleDataRect(): boolean {
    const done = super._handleDataRect();
    if (done && !this.#painted) {
      this.#painted = true;
      // The rectangle is decoded; it is on the canvas with the next frame.
      requestAnimationFrame(() => this.#events.onPainted());
    }
    return done;
  }

  /** noVNC only answers fences; here are also the answers to ours. */
  override _handleServerFenceMsg(): boolean {
    if (this._sock.rQwait('fence', 8, 1)) return false;
    const header = this._sock.rQpeekBytes(8);
    const isAnswer = ((header[3] ?? 0) & 0x80) === 0;
    if (!isAnswer) return super._handleServerFenceMsg();
    const bytes = 8 + (header[7] ?? 0);
    if (this._sock.rQwait('fence answer', bytes, 1)) return false;
    this._sock.rQskipBytes(bytes);
    if (this.#pingSentMs !== undefined) {
      const latencyMs = performance.now() - this.#pingSentMs;
      this.#pingSentMs = undefined;
      this.#events.onLatency(latencyMs);
    }
    return true;
  }

  override disconnect(): void {
    clearTimeout(this.#resizeTimer);
    super.disconnect();
  }
}
