/** Stands in while a page's code or first data is on its way. */

import { Skeleton } from '../../ui/skeleton.tsx';
import { Page } from './page.tsx';

export function PageSkeleton() {
  return (
    <Page>
      <div className="space-y-4" aria-busy="true">
        <span className="sr-only">Loading</span>
        <Skeleton className="h-5 w-64" />
        <Skeleton className="h-40 w-full rounded-lg" />
        <Skeleton className="h-40 w-full rounded-lg" />
      </div>
    </Page>
  );
}
