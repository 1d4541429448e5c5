/** The viewer as a React component: the picture, and under it full screen, keys, clipboard and how it goes. */

import { type ReactNode, type RefObject, useCallback, useEffect, useImperativeHandle, useRef, useState } from 'react';
import { ClipboardPanel } from './clipboard-panel.tsx';
import type { DisplayAddress } from './connection.ts';
import type { Modifier } from './input.ts';
import { KeyRow } from './key-row.tsx';
import { startState, type ViewerState } from './state.ts';
import { Toolbar, type ViewerPanel } from './toolbar.tsx';
import { createViewer, type Viewer as ViewerHandle } from './viewer.ts';

export type { Viewer as ViewerHandle } from './viewer.ts';

export interface ViewerProps {
  /** Answers an address that works once. Rejects with ViewerEnded when there is nothing to come back to. */
  connect(): Promise<DisplayAddress>;
  label: string;
  handshakeMs?: number;
  ref?: RefObject<ViewerHandle | null>;
  onState?(state: ViewerState): void;
  /** Shown instead of the picture until there is one, and as long as it is `bare`. */
  waiting?: ReactNode;
  /** There is nothing in the picture yet that is worth looking at. */
  bare?: boolean;
  /** Under the picture, also in full screen. */
  notice?: (full: boolean) => ReactNode;
  /** Stands at the end of the toolbar. */
  beside?: ReactNode;
}

export function Viewer({
  connect,
  label,
  handshakeMs,
  ref,
  onState,
  waiting,
  bare = false,
  notice,
  beside,
}: ViewerProps) {
  const host = useRef<HTMLDivElement>(null);
  const whole = useRef<HTMLDivElement>(null);
  const handle = useRef<ViewerHandle>(null);
  const firstControl = useRef<HTMLButtonElement>(null);
  const [state, setState] = useState<ViewerState>(startState);
  const [held, setHeld] = useState<readonly Modifier[]>([]);
  const [full, setFull] = useState(false);
  const [zoomed, setZoomed] = useState(false);
  const [panel, setPanel] = useState<ViewerPanel | null>(() =>
    matchMedia('(pointer: coarse)').matches ? 'keys' : null,
  );
  const [remoteText, setRemoteText] = useState<{ text: string; copied: boolean } | null>(null);
  const [seen, setSeen] = useState(false);

  // The newest callbacks, without starting the viewer anew for each.
  const callbacks = useRef({ connect, onState });
  callbacks.current = { connect, onState };

  useEffect(() => {
    if (!host.current || !whole.current) return;
    const viewer = createViewer(host.current, {
      connect: () => callbacks.current.connect(),
      label,
      ...(handshakeMs === undefined ? {} : { handshakeMs }),
      fullScreenElement: whole.current,
      onState(next) {
        setState(next);
        if (next.name === 'live') setSeen(true);
        callbacks.current.onState?.(next);
      },
      onModifiers: setHeld,
      onFullScreen: setFull,
      onZoom: (factor) => setZoomed(factor > 1),
      onLeave: () => firstControl.current?.focus(),
      onRemoteClipboard: (text, copied) => setRemoteText({ text, copied }),
    });
    handle.current = viewer;
    return () => {
      handle.current = null;
      viewer.dispose();
    };
  }, [label, handshakeMs]);

  useImperativeHandle(ref ?? null, () => proxyTo(handle), []);
  const togglePanel = useCallback((name: ViewerPanel) => setPanel((shown) => (shown === name ? null : name)), []);

  const live = state.name === 'live';
  return (
    <div
      ref={whole}
      className="group/viewer flex h-full min-h-0 flex-col overflow-hidden border-y border-line bg-surface lg:rounded-lg lg:border-x data-full-screen:fixed data-full-screen:inset-0 data-full-screen:z-50 data-full-screen:rounded-none data-full-screen:border-0"
    >
      <div className="relative min-h-0 flex-1 bg-screen after:pointer-events-none after:absolute after:inset-0 after:ring-accent after:ring-inset has-[canvas:focus-visible]:after:ring-2">
        <div ref={host} data-testid="viewer" data-state={state.name} className="absolute inset-0 overflow-hidden" />
        {(!seen || bare) && state.name !== 'ended' && (
          <div className="absolute inset-0 overflow-auto bg-screen">{waiting}</div>
        )}
        {seen && state.name === 'reconnecting' && (
          <div className="pointer-events-none absolute inset-0 grid place-items-center p-6">
            <div className="pointer-events-auto max-w-sm rounded-lg bg-raised p-4 text-center text-sm shadow-float">
              <p className="font-medium">Reconnecting</p>
              <p className="mt-1 text-muted">{state.why} The desktop keeps running.</p>
              {state.attempt > 2 && (
                <button
                  type="button"
                  className="mt-3 min-h-10 rounded-md border border-line px-3.5 font-medium hover:bg-sunken"
                  onClick={() => handle.current?.retryNow()}
                >
                  Try now
                </button>
              )}
            </div>
          </div>
        )}
      </div>
      {panel === 'keys' && (
        <KeyRow
          held={held}
          disabled={!live}
          onKey={(key) => handle.current?.press(key)}
          onModifier={(modifier) => handle.current?.toggleModifier(modifier)}
          onSoftKeyboard={() => handle.current?.showSoftKeyboard()}
        />
      )}
      {panel === 'clipboard' && (
        <ClipboardPanel
          remote={remoteText}
          disabled={!live}
          onSend={(text) => {
            handle.current?.sendClipboard(text);
            handle.current?.focus();
          }}
        />
      )}
      {notice?.(full)}
      <div className="flex h-12 shrink-0 items-center border-t border-line px-1">
        <Toolbar
          state={state}
          full={full}
          zoomed={zoomed}
          panel={panel}
          unreadClipboard={remoteText !== null && !remoteText.copied}
          firstControl={firstControl}
          onFullScreen={() => void handle.current?.toggleFullScreen()}
          onPanel={togglePanel}
          onResetZoom={() => handle.current?.resetZoom()}
        />
        {beside}
      </div>
    </div>
  );
}

/** A handle that outlives the viewer behind it: while there is none, it does nothing. */
function proxyTo(handle: RefObject<ViewerHandle | null>): ViewerHandle {
  return {
    get state() {
      return handle.current?.state ?? startState;
    },
    focus: () => handle.current?.focus(),
    press: (key) => handle.current?.press(key),
    toggleModifier: (modifier) => handle.current?.toggleModifier(modifier),
    type: async (text) => (await handle.current?.type(text)) ?? false,
    sendClipboard: (text) => handle.current?.sendClipboard(text),
    toggleFullScreen: async () => handle.current?.toggleFullScreen(),
    resetZoom: () => handle.current?.resetZoom(),
    showSoftKeyboard: () => handle.current?.showSoftKeyboard(),
    retryNow: () => handle.current?.retryNow(),
    end: (why) => handle.current?.end(why),
    dispose: () => handle.current?.dispose(),
  };
}
