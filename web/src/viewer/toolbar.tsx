/** What stands under the picture. */

import { Clipboard, Keyboard, Maximize, Minimize, ZoomOut } from 'lucide-react';
import type { ReactNode, RefObject } from 'react';
import { classes } from '../ui/classes.ts';
import { StatusDot, type Tone, toneText } from '../ui/status.tsx';
import type { ViewerState } from './state.ts';

export type ViewerPanel = 'keys' | 'clipboard';

export interface ToolbarProps {
  state: ViewerState;
  full: boolean;
  zoomed: boolean;
  panel: ViewerPanel | null;
  /** The desktop copied something that could not be put on this machine's clipboard. */
  unreadClipboard: boolean;
  firstControl: RefObject<HTMLButtonElement | null>;
  onFullScreen(): void;
  onPanel(panel: ViewerPanel): void;
  onResetZoom(): void;
}

export function Toolbar(props: ToolbarProps) {
  const { state, full, zoomed, panel, unreadClipboard, firstControl, onFullScreen, onPanel, onResetZoom } = props;
  return (
    <div role="toolbar" aria-label="Desktop" className="flex min-w-0 flex-1 items-center gap-1">
      <Control
        buttonRef={firstControl}
        pressed={full}
        onClick={onFullScreen}
        name={full ? 'Leave full screen' : 'Full screen'}
      >
        {full ? <Minimize className="size-4.5" aria-hidden /> : <Maximize className="size-4.5" aria-hidden />}
      </Control>
      <Control pressed={panel === 'keys'} onClick={() => onPanel('keys')} name="Keys">
        <Keyboard className="size-4.5" aria-hidden />
      </Control>
      <Control pressed={panel === 'clipboard'} onClick={() => onPanel('clipboard')} name="Clipboard">
        <span className="relative">
          <Clipboard className="size-4.5" aria-hidden />
          {unreadClipboard && <span className="absolute -top-1 -right-1 size-2 rounded-full bg-accent" />}
        </span>
      </Control>
      {zoomed && (
        <Control onClick={onResetZoom} name="Show all">
          <ZoomOut className="size-4.5" aria-hidden />
        </Control>
      )}
      <p className="ml-auto hidden items-center gap-1 pr-2 text-xs text-muted group-has-[canvas:focus]/viewer:lg:flex">
        Keys go to the desktop.
        {['Ctrl', 'Alt', 'Shift'].map((key) => (
          <kbd key={key} className="rounded-sm border border-line px-1 py-px text-[0.6875rem]">
            {key}
          </kbd>
        ))}
        to leave
      </p>
      <StateText state={state} />
    </div>
  );
}

interface ControlProps {
  name: string;
  pressed?: boolean;
  buttonRef?: RefObject<HTMLButtonElement | null>;
  onClick(): void;
  children: ReactNode;
}

function Control({ name, pressed, buttonRef, onClick, children }: ControlProps) {
  return (
    <button
      ref={buttonRef}
      type="button"
      onClick={onClick}
      aria-label={name}
      aria-pressed={pressed}
      className={classes(
        'inline-flex h-10 min-w-10 shrink-0 items-center justify-center gap-2 rounded-md px-2.5 text-sm transition-colors hover:bg-sunken hover:text-text',
        pressed ? 'bg-sunken text-text' : 'text-muted',
      )}
    >
      {children}
      <span className="hidden xl:inline">{name}</span>
    </button>
  );
}

const tones: Record<ViewerState['name'], Tone> = {
  connecting: 'accent',
  live: 'good',
  reconnecting: 'warn',
  ended: 'neutral',
};

function StateText({ state }: { state: ViewerState }) {
  const tone = tones[state.name];
  return (
    <p
      data-testid="viewer-state"
      data-state={state.name}
      className="ml-auto flex min-w-0 items-center gap-2 pr-2.5 text-sm whitespace-nowrap group-has-[canvas:focus]/viewer:lg:ml-0"
    >
      <StatusDot tone={tone} pulsing={state.name === 'connecting' || state.name === 'reconnecting'} />
      <span className={classes('truncate', toneText[tone])}>{wordOf(state)}</span>
      {state.name === 'live' && state.latencyMs !== null && (
        <span className="text-muted tabular-nums" title="Round trip to the desktop's screen">
          {Math.max(1, Math.round(state.latencyMs))} ms
        </span>
      )}
    </p>
  );
}

function wordOf(state: ViewerState): string {
  if (state.name === 'reconnecting') return state.attempt > 1 ? `reconnecting, try ${state.attempt}` : 'reconnecting';
  return state.name;
}
