/** Shows the overlays, and listens for their keys. While a desktop has the keyboard, it gets these keys, too. */

import { lazy, Suspense, useEffect } from 'react';
import { useLocation } from 'react-router';
import { overlays, useOverlay } from './overlays.ts';

const Palette = lazy(() => import('./palette.tsx'));
const Shortcuts = lazy(() => import('./shortcuts.tsx'));

export function Overlays() {
  const shown = useOverlay();
  const { pathname, search } = useLocation();

  useEffect(() => {
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another page is another address
  useEffect(() => overlays.pageChanged(), [pathname, search]);

  return (
    <Suspense>
      {shown === 'palette' && <Palette />}
      {shown === 'shortcuts' && <Shortcuts />}
    </Suspense>
  );
}

function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.altKey || event.repeat) return;
  const control = event.ctrlKey || event.metaKey;
  if (control && !event.shiftKey && event.key.toLowerCase() === 'k') {
    event.preventDefault();
    overlays.toggle('palette');
  } else if (event.key === '?' && !control && !isWriting(event.target)) {
    event.preventDefault();
    overlays.show('shortcuts');
  }
}

function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null;
}
