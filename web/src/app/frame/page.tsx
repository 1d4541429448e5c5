/** The room of a page. Its left edge is that of the title above it, the same on every page. */

import type { ReactNode } from 'react';

export function Page({ children }: { children: ReactNode }) {
  return <div className="w-full max-w-[70.5rem] px-4 py-6 sm:px-6 sm:py-8">{children}</div>;
}
