/** What lies over the page at a person's wish: the commands, or the list of shortcuts. */

import { useSyncExternalStore } from 'react';

export type Overlay = 'palette' | 'shortcuts';

let shown: Overlay | null = null;
/** Address of the page it was opened over. */
let openedAt = '';
const listeners = new Set<() => void>();

export const overlays = {
  show(overlay: Overlay | null): void {
    shown = overlay;
    openedAt = window.location.href;
    for (const listener of listeners) listener();
  },
  /** A page is there: what lay over the one before goes; what was opened since its address changed stays. */
  pageChanged(): void {
    if (openedAt !== window.location.href) overlays.show(null);
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
