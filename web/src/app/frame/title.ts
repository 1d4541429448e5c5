/** The title of the page that is shown: in the bar, and in the browser's tab. */

import { useEffect, useSyncExternalStore } from 'react';

let current = '';
const listeners = new Set<() => void>();

export function useTitle(title: string): void {
  useEffect(() => {
    current = title;
    document.title = title === '' ? 'Polydev' : `${title} · Polydev`;
    for (const listener of listeners) listener();
  }, [title]);
}

export function useCurrentTitle(): string {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
}
