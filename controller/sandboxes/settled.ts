/** When a sandbox that waits has nothing left to do: a desktop has shown its windows; a headless one has nothing to show. */

import { setTimeout as sleep } from 'node:timers/promises';
import { type DesktopPart, limits } from '@polydev/protocol';
import { untilAborted } from '../abort.ts';
import type { Machine } from './machines.ts';

const wanted: readonly DesktopPart[] = ['display', 'terminal', 'browser'];
/** Nothing says when a browser has finished painting and loading; with its window there and this long, it has. */
const calmMs = 3_000;

/** `onShown` hears of the windows. Rejects when it is gone, when it takes too long, or with the signal's reason. */
export async function settled(
  { profile, agent, gone }: Pick<Machine, 'profile' | 'agent' | 'gone'>,
  onShown: () => void,
  signal: AbortSignal,
): Promise<void> {
  if (profile === 'headless') return;
  const over = AbortSignal.any([signal, gone, AbortSignal.timeout(limits.sandboxBootMs)]);
  const seen = new AbortController();
  let calm: Promise<void> | undefined;
  const up = new Set<DesktopPart>();

  async function watch(): Promise<void> {
    let interrupt = new AbortController();
    for await (const event of agent.events(0, AbortSignal.any([over, seen.signal]))) {
      if (event.type !== 'desktop') continue;
      if (event.up) up.add(event.part);
      else up.delete(event.part);
      interrupt.abort();
      if (!wanted.every((part) => up.has(part))) continue;
      onShown();
      interrupt = new AbortController();
      calm = sleep(calmMs, undefined, { signal: interrupt.signal }).then(
        () => seen.abort(),
        () => {},
      );
    }
    await calm;
    over.throwIfAborted();
  }
  await untilAborted(watch(), over);
}
