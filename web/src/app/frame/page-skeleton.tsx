/** Stands in while a page's code or first data is on its way. */

import { Skeleton } from '../../ui/skeleton.tsx';

export function PageSkeleton() {
  return (
    <div className="mx-auto w-full max-w-[67.5rem] space-y-4 px-4 py-6 sm:px-8" aria-busy="true">
      <span className="sr-only">Loading</span>
      <Skeleton className="h-5 w-64" />
      <Skeleton className="h-40 w-full rounded-lg" />
      <Skeleton className="h-40 w-full rounded-lg" />
    </div>
  );
}
