/** One part of the settings, and the boxes that its lists stand in. */

import type { ReactNode } from 'react';
import { Skeleton } from '../../ui/skeleton.tsx';

export function Section({ title, intro, children }: { title: string; intro: string; children: ReactNode }) {
  return (
    <section aria-label={title} className="mb-10 last:mb-0 lg:grid lg:grid-cols-[16rem_minmax(0,1fr)] lg:gap-8">
      <div className="mb-4 lg:mb-0">
        <h2 className="text-lg font-semibold">{title}</h2>
        <p className="mt-0.5 text-sm text-muted">{intro}</p>
      </div>
      <div>{children}</div>
    </section>
  );
}

export function ListBox({ children }: { children: ReactNode }) {
  return <ul className="divide-y divide-line rounded-lg border border-line bg-surface">{children}</ul>;
}

export function ListSkeleton() {
  return (
    <div className="flex h-16 items-center gap-4 rounded-lg border border-line bg-surface px-4" aria-busy="true">
      <Skeleton className="h-3.5 w-32" />
      <Skeleton className="ml-auto h-3.5 w-16" />
    </div>
  );
}
