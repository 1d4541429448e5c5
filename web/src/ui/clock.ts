/** The present moment for what is shown: one timer for the whole page, at the pace that its fastest reader needs. */

import { useSyncExternalStore } from 'react';

function createClock(tickMs: number) {
  const readers = new Set<() => void>();
  let nowMs = Date.now();
  let timer: ReturnType<typeof setInterval> | undefined;
  return {
    subscribe(reader: () => void) {
      readers.add(reader);
      nowMs = Date.now();
      timer ??= setInterval(() => {
        nowMs = Date.now();
        for (const read of readers) read();
      }, tickMs);
      return () => {
        readers.delete(reader);
        if (readers.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
    now: () => nowMs,
  };
}

const seconds = createClock(1000);
const halfMinutes = createClock(30_000);

export function useNowMs(pace: 'seconds' | 'half-minutes' = 'half-minutes'): number {
  const clock = pace === 'seconds' ? seconds : halfMinutes;
  return useSyncExternalStore(clock.subscribe, clock.now);
}
