/** The parts of noVNC 1.7.0 that the viewer uses. Members with an underscore are its insides: see novnc.ts. */

declare module '@novnc/novnc' {
  interface Websock {
    /** True when fewer bytes are there; then `goback` bytes are read again next time. */
    rQwait(what: string, bytes: number, goback?: number): boolean;
    rQpeekBytes(bytes: number, copy?: boolean): Uint8Array;
    rQskipBytes(bytes: number): void;
  }

  interface RfbEventMap {
    connect: CustomEvent;
    disconnect: CustomEvent<{ clean: boolean }>;
    clipboard: CustomEvent<{ text: string }>;
    securityfailure: CustomEvent<{ status: number; reason?: string }>;
  }

  export default class RFB extends EventTarget {
    constructor(target: HTMLElement, socket: WebSocket | string, options?: { shared?: boolean });
    scaleViewport: boolean;
    resizeSession: boolean;
    focusOnClick: boolean;
    showDotCursor: boolean;
    background: string;
    qualityLevel: number;
    compressionLevel: number;
    disconnect(): void;
    sendKey(keysym: number, code: string | null, down?: boolean): void;
    focus(options?: FocusOptions): void;
    blur(): void;
    clipboardPasteFrom(text: string): void;
    addEventListener<K extends keyof RfbEventMap>(type: K, listener: (event: RfbEventMap[K]) => void): void;

    protected _canvas: HTMLCanvasElement;
    protected _sock: Websock;
    protected _rfbConnectionState: string;
    protected _keyboard: { _allKeysUp(): void };
    protected _supportsFence: boolean;
    protected _supportsSetDesktopSize: boolean;
    protected _pendingRemoteResize: boolean;
    protected _fbWidth: number;
    protected _fbHeight: number;
    protected _screenID: number;
    protected _screenFlags: number;
    protected _requestRemoteResize(): void;
    protected _handleServerFenceMsg(): boolean;
    protected _handleDataRect(): boolean;
    static messages: {
      clientFence(sock: Websock, flags: number, payload: string): void;
      setDesktopSize(sock: Websock, width: number, height: number, id: number, flags: number): void;
    };
  }
}
