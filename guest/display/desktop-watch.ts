/** Says when the display answers and when terminal and browser have a window, again after every restart of X. */

import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DesktopPart } from '@polydev/protocol';
import type { DesktopParts } from './desktop-parts.ts';
import { connectWhenThere } from './display-socket.ts';
import { followWindows, type WindowListOptions } from './window-list.ts';

const windowClasses: [DesktopPart, RegExp][] = [
  ['terminal', /terminal/i],
  ['browser', /firefox|navigator/i],
];
/** Between the end of one X server and the look for the next. */
const againAfterMs = 200;

export async function watchDesktop(
  deps: { socket: string; parts: DesktopParts } & Omit<WindowListOptions, 'changed'>,
  signal: AbortSignal,
): Promise<void> {
  const { parts } = deps;
  function changed(classes: readonly string[]): void {
    for (const [part, pattern] of windowClasses)
      parts.set(
        part,
        classes.some((name) => pattern.test(name)),
      );
  }

  while (!signal.aborted) {
    if (await answers(deps.socket, signal)) {
      parts.set('display', true);
      await followWindows({ ...deps, changed }, signal);
      changed([]);
      parts.set('display', false);
    }
    await sleep(againAfterMs, undefined, { signal }).catch(() => undefined);
  }
}

/** True once an RFB server greets on the socket. */
async function answers(path: string, signal: AbortSignal): Promise<boolean> {
  try {
    const socket = await connectWhenThere(path, signal);
    try {
      const [greeting] = await once(socket.resume(), 'data', { signal });
      return String(greeting).startsWith('RFB ');
    } finally {
      socket.destroy();
    }
  } catch {
    return false;
  }
}
