/**
 * A viewer of a remote desktop: give it a place and a way to get an address, and it keeps a picture there. It knows no
 * page: what it shows around the picture is up to its host.
 */

import './viewer.css';
import { createClipboard, readPermission } from './clipboard.ts';
import { createConnection, type DisplayAddress } from './connection.ts';
import { createFullScreen } from './full-screen.ts';
import { createInput, type Modifier } from './input.ts';
import { guardKeyboard } from './keyboard-guard.ts';
import { type KeyName, keyCodes, keysyms } from './keys.ts';
import { type LivePicture, startPicture } from './picture.ts';
import { remoteSizeFor } from './scale.ts';
import { createSoftKeyboard } from './soft-keyboard.ts';
import type { ViewerState } from './state.ts';
import { createZoom } from './zoom.ts';

export interface ViewerOptions {
  /** Answers an address that works once. Rejects with ViewerEnded when there is nothing to come back to. */
  connect(): Promise<DisplayAddress>;
  onState(state: ViewerState): void;
  /** Spoken for the picture, for example "Desktop of Claude Code". */
  label: string;
  /** How long the first picture may take before the try counts as lost; 30 s unless told. */
  handshakeMs?: number;
  /** The desktop copied something; `copied` is false when this machine's clipboard could not be written. */
  onRemoteClipboard?(text: string, copied: boolean): void;
  onModifiers?(held: readonly Modifier[]): void;
  onFullScreen?(on: boolean): void;
  onZoom?(factor: number): void;
  /** The person wants the keyboard back: move the focus somewhere on the page. */
  onLeave?(): void;
  /** What goes full screen; the container unless told. */
  fullScreenElement?: HTMLElement;
}

export interface Viewer {
  readonly state: ViewerState;
  focus(): void;
  press(key: KeyName): void;
  toggleModifier(modifier: Modifier): void;
  /** As if typed on the keyboard; false when there is no picture to type into. */
  type(text: string): Promise<boolean>;
  /** Puts text on the desktop's clipboard. */
  sendClipboard(text: string): void;
  toggleFullScreen(): Promise<void>;
  resetZoom(): void;
  showSoftKeyboard(): void;
  retryNow(): void;
  end(why: string): void;
  dispose(): void;
}

const defaultHandshakeMs = 30_000;

export function createViewer(container: HTMLElement, options: ViewerOptions): Viewer {
  const frame = document.createElement('div');
  frame.className = 'viewer-frame';
  const stage = document.createElement('div');
  stage.className = 'viewer-stage';
  frame.append(stage);
  container.append(frame);

  let picture: LivePicture | undefined;
  /** The person was in the picture when it was lost. */
  let wasFocused = false;
  const liveScreen = () => (connection.state.name === 'live' ? picture?.screen : undefined);

  const clipboard = createClipboard({
    system: navigator.clipboard,
    readPermission,
    toRemote: (text) => liveScreen()?.clipboardPasteFrom(text),
    onRemoteText: (text, copied) => options.onRemoteClipboard?.(text, copied),
  });
  const input = createInput(liveScreen, (held) => options.onModifiers?.(held));
  const softKeyboard = createSoftKeyboard(frame, (text) => void input.type(text), input.press);
  const fullScreen = createFullScreen(options.fullScreenElement ?? container, (on) => options.onFullScreen?.(on));
  const zoom = createZoom(frame, stage, (factor) => options.onZoom?.(factor));
  const releaseKeyboard = guardKeyboard(frame, {
    onLeave() {
      picture?.screen.blur();
      options.onLeave?.();
    },
    beforePaste: clipboard.beforePaste,
    resendPaste({ key, missing }) {
      const send = (name: KeyName, down: boolean) => liveScreen()?.sendKey(keysyms[name], keyCodes[name] ?? null, down);
      for (const name of missing) send(name, true);
      send(key, true);
      send(key, false);
      for (const name of missing) send(name, false);
    },
    onKeyUp: input.letGo,
  });

  const connection = createConnection<WebSocket>({
    connect: options.connect,
    openSocket: ({ url, protocols }) => new WebSocket(url, protocols),
    startPicture(socket, events) {
      picture = startPicture(
        socket,
        {
          stage,
          label: options.label,
          wantedSize: () => remoteSizeFor({ width: frame.clientWidth, height: frame.clientHeight }),
          onClipboard: (text) => void clipboard.received(text),
          onFocus: () => void clipboard.offer(),
        },
        {
          ...events,
          onClosed(why, forGood) {
            wasFocused = stage.contains(document.activeElement) || document.activeElement === document.body;
            events.onClosed(why, forGood);
          },
        },
      );
      return picture;
    },
    onState(state) {
      frame.dataset.state = state.name;
      if (state.name === 'live' && state.latencyMs === null && wasFocused) picture?.screen.focus();
      options.onState(state);
    },
    handshakeMs: options.handshakeMs ?? defaultHandshakeMs,
    setTimer(callback, ms) {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    },
    random: Math.random,
  });

  const onOnline = () => connection.retryNow();
  window.addEventListener('online', onOnline);

  return {
    get state() {
      return connection.state;
    },
    focus: () => picture?.screen.focus({ preventScroll: true }),
    press: input.press,
    toggleModifier: input.toggle,
    type: input.type,
    sendClipboard: clipboard.give,
    toggleFullScreen: fullScreen.toggle,
    resetZoom: zoom.reset,
    showSoftKeyboard: softKeyboard.show,
    retryNow: connection.retryNow,
    end: connection.end,
    dispose() {
      window.removeEventListener('online', onOnline);
      connection.end('Closed.');
      releaseKeyboard();
      zoom.dispose();
      fullScreen.dispose();
      softKeyboard.dispose();
      frame.remove();
    },
  };
}
