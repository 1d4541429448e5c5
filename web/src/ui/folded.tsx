/** A part of a page that is folded away until it is wanted. */

import { ChevronRight } from 'lucide-react';
import { type ReactNode, useState } from 'react';

export interface FoldedProps {
  title: string;
  /** Made at the first opening. */
  children: () => ReactNode;
}

export function Folded({ title, children }: FoldedProps) {
  const [wanted, setWanted] = useState(false);
  return (
    <details className="group text-left" onToggle={(event) => event.currentTarget.open && setWanted(true)}>
      <summary className="flex min-h-10 w-fit list-none items-center gap-1.5 rounded-md pr-2 text-sm text-muted hover:text-text">
        <ChevronRight className="size-4 transition-transform group-open:rotate-90" aria-hidden />
        {title}
      </summary>
      {wanted && children()}
    </details>
  );
}
