/** Says on every page of a demo that no real provider is behind it. */

import { FlaskConical } from 'lucide-react';
import { useDemo } from '../data/queries.ts';

export function DemoBanner() {
  if (!useDemo()) return null;
  return (
    <aside
      aria-label="Demo"
      data-testid="demo-banner"
      className="flex shrink-0 items-center justify-center gap-2 border-b border-line bg-warn-soft px-4 py-1.5 text-sm text-text"
    >
      <FlaskConical className="size-4 shrink-0 text-warn" aria-hidden />
      <p>
        <strong className="font-semibold">Demo:</strong> local stand-ins instead of the real providers; nothing leaves
        this machine
      </p>
    </aside>
  );
}
