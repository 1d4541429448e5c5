/** Follows which windows the desktop has mapped, by the X server's own events. */

import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Owner } from '../home/owner.ts';

export interface WindowListOptions {
  owner: Owner;
  /** With DISPLAY and PATH. */
  environment: Record<string, string>;
  /** The classes of all windows, after every change. */
  changed: (classes: readonly string[]) => void;
}

const lookupMs = 5_000;
const lookAgainMs = 200;
const run = promisify(execFile);

/** Resolves when the X server ends, or the signal fires. */
export async function followWindows(options: WindowListOptions, signal: AbortSignal): Promise<void> {
  const user = { uid: options.owner.uid, gid: options.owner.gid, env: options.environment, signal };
  const classes = new Map<string, string>();
  let present: readonly string[] = [];

  function tell(): void {
    options.changed(present.map((id) => classes.get(id) ?? ''));
  }

  /** Until it is known or the window gone: on a busy host one look may take too long. */
  async function lookUp(id: string): Promise<void> {
    classes.set(id, '');
    while (classes.has(id) && !signal.aborted) {
      const answer = await run('xprop', ['-id', id, 'WM_CLASS'], { ...user, timeout: lookupMs }).catch(() => undefined);
      if (answer && classes.has(id)) {
        classes.set(id, answer.stdout);
        return tell();
      }
      await sleep(lookAgainMs, undefined, { signal }).catch(() => {});
    }
  }

  // A property named in argv is followed only when it exists at the start; the window manager makes this one later.
  const spy = spawn('xprop', ['-root', '-spy'], { ...user, stdio: ['ignore', 'pipe', 'ignore'] });
  createInterface({ input: spy.stdout }).on('line', (line) => {
    if (!line.startsWith('_NET_CLIENT_LIST(')) return;
    present = line.match(/0x[0-9a-f]+/g) ?? [];
    for (const id of classes.keys()) if (!present.includes(id)) classes.delete(id);
    tell();
    for (const id of present) if (!classes.has(id)) void lookUp(id);
  });
  await new Promise<void>((resolve) => {
    spy.on('error', () => resolve());
    spy.on('close', () => resolve());
  });
}
