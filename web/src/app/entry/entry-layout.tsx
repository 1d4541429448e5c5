/** The quiet page before anyone is signed in. */

import type { ReactNode } from 'react';
import { Mark } from '../../ui/mark.tsx';

export function EntryLayout({ title, intro, children }: { title: string; intro: ReactNode; children: ReactNode }) {
  return (
    <main className="grid min-h-full place-items-center px-4 py-10">
      <div className="w-full max-w-[22.5rem] -translate-y-[4vh]">
        <Mark className="size-11" />
        <h1 className="mt-6 text-2xl font-semibold tracking-[-0.02em]">{title}</h1>
        <p className="mt-1.5 mb-7 text-muted">{intro}</p>
        {children}
      </div>
    </main>
  );
}
