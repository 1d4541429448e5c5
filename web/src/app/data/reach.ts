/** Whether Polydev answers. Once it does not, tries with growing pauses until it does again. */

import { useSyncExternalStore } from 'react';

const firstPauseMs = 1000;
const longestPauseMs = 15_000;

function createReach() {
  const listeners = new Set<() => void>();
  let reachable = true;
  let onReturn = () => {};

  function set(next: boolean): void {
    if (next === reachable) return;
    reachable = next;
    for (const listener of listeners) listener();
    if (reachable) onReturn();
    else void tryUntilBack(firstPauseMs);
  }

  function isWell(): Promise<boolean> {
    return fetch('/health').then(
      ({ ok }) => ok,
      () => false,
    );
  }

  async function tryUntilBack(pauseMs: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    if (reachable) return;
    if (await isWell()) set(true);
    else void tryUntilBack(Math.min(pauseMs * 2, longestPauseMs));
  }

  return {
    set,
    /** For an answer that does not tell one refusal from the database being away. */
    look: async () => set(await isWell()),
    get: () => reachable,
    subscribe(listener: () => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    /** Called when Polydev answers again. */
    whenBack(callback: () => void) {
      onReturn = callback;
    },
  };
}

export const reach = createReach();

export function useReachable(): boolean {
  return useSyncExternalStore(reach.subscribe, reach.get);
}
