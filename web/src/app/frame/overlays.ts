/** What lies over the page at a person's wish: the commands, or the list of shortcuts. */

import { useSyncExternalStore } from 'react';

export type Overlay = 'palette' | 'shortcuts';

let shown: Overlay | null = null;
const listeners = new Set<() => void>();

export const overlays = {
  show(overlay: Overlay | null): void {
    shown = overlay;
    for (const listener of listeners) listener();
  },
  toggle(overlay: Overlay): void {
    overlays.show(shown === overlay ? null : overlay);
  },
};

export function useOverlay(): Overlay | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => shown,
  );
}
