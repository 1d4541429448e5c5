/** One RFB conversation drawn into the stage: noVNC on a socket, watched for being alive. */

import { viewerClose } from '@polydev/protocol/viewer-close';
import type { Picture, PictureEvents } from './connection.ts';
import { RemoteScreen } from './novnc.ts';
import type { Size } from './scale.ts';

const firstPingMs = 400;
const pingEveryMs = 4000;
/** A display that has not answered a ping for this long is taken for lost. */
const silentMs = 15_000;

export interface PictureDeps {
  stage: HTMLElement;
  /** Spoken for the picture. */
  label: string;
  wantedSize(): Size;
  onClipboard(text: string): void;
  onFocus(): void;
}

export interface LivePicture extends Picture {
  readonly screen: RemoteScreen;
}

export function startPicture(socket: WebSocket, deps: PictureDeps, events: PictureEvents): LivePicture {
  let why = 'The connection was lost.';
  let forGood = false;
  let firstPing: ReturnType<typeof setTimeout> | undefined;
  socket.addEventListener('close', ({ code, reason }) => {
    if (reason !== '') why = reason;
    forGood = code === viewerClose.ended || code === viewerClose.refused;
  });

  const screen = new RemoteScreen(deps.stage, socket, deps.wantedSize, {
    onPainted() {
      for (const former of deps.stage.querySelectorAll('[data-frozen]')) former.remove();
      events.onPainted();
      // The first picture is the largest: measured beside it, the way would seem long.
      firstPing = setTimeout(() => screen.ping(), firstPingMs);
    },
    onLatency: events.onLatency,
  });
  const { canvas } = screen;
  canvas.tabIndex = 0;
  canvas.setAttribute('role', 'application');
  canvas.setAttribute('aria-label', `${deps.label}. Press Control, Alt and Shift together to leave it.`);
  canvas.addEventListener('focus', deps.onFocus);
  canvas.addEventListener('blur', () => screen.releaseKeys());

  const timer = setInterval(() => {
    if (screen.waitingMs > silentMs) {
      why = 'The desktop stopped answering.';
      close();
    } else if (document.visibilityState === 'visible') {
      screen.ping();
    }
  }, pingEveryMs);

  screen.addEventListener('clipboard', ({ detail }) => deps.onClipboard(detail.text));
  screen.addEventListener('disconnect', () => {
    finish();
    events.onClosed(why, forGood);
  });

  let finished = false;
  function finish(): void {
    if (finished) return;
    finished = true;
    clearInterval(timer);
    clearTimeout(firstPing);
    freeze(canvas, deps.stage);
  }

  function close(): void {
    if (finished) return;
    finish();
    screen.disconnect();
    events.onClosed(why, forGood);
  }

  return { screen, close };
}

/** The last picture stays, dimmed, until there is a new one. */
function freeze(canvas: HTMLCanvasElement, stage: HTMLElement): void {
  if (canvas.width === 0 || stage.querySelector('[data-frozen]')) return;
  const still = document.createElement('canvas');
  still.width = canvas.width;
  still.height = canvas.height;
  still.getContext('2d')?.drawImage(canvas, 0, 0);
  still.dataset.frozen = '';
  still.setAttribute('aria-hidden', 'true');
  stage.append(still);
}
