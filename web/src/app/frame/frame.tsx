/** Around every page of a signed-in person: navigation, bar, room for the page. */

import { Suspense } from 'react';
import { Navigate, Outlet, useLocation } from 'react-router';
import { Announcer } from '../../ui/announcer.tsx';
import { FailureNote } from '../../ui/failure-note.tsx';
import { failureOf } from '../data/errors.ts';
import { useFollowedLists } from '../data/follow-changes.ts';
import { useMe } from '../data/queries.ts';
import { loginPath, paths } from '../paths.ts';
import { BottomBar, Sidebar } from './navigation.tsx';
import { Overlays } from './overlays.tsx';
import { PageSkeleton } from './page-skeleton.tsx';
import { TopBar } from './top-bar.tsx';

export function Frame() {
  const me = useMe();
  const location = useLocation();
  /** The picture of a desktop gets all the room there is. */
  const immersive = location.pathname === paths.signIn;

  if (me.isPending) return <PageSkeleton />;
  if (me.isError) {
    return (
      <main className="mx-auto max-w-md px-4 py-24">
        <FailureNote {...failureOf(me.error)} onRetry={() => void me.refetch()} />
      </main>
    );
  }
  if (me.data === null) return <Navigate to={loginPath(`${location.pathname}${location.search}`)} replace />;

  return (
    <div className="flex h-full">
      <FollowedLists />
      <a
        href="#content"
        className="sr-only rounded-md bg-accent px-4 py-2 text-on-accent focus:not-sr-only focus:absolute focus:top-2 focus:left-2 focus:z-50"
      >
        Skip to content
      </a>
      <Sidebar narrow={immersive} />
      <div className="flex min-w-0 flex-1 flex-col">
        <TopBar me={me.data} back={immersive} />
        <main id="content" tabIndex={-1} className="min-h-0 flex-1 overflow-y-auto outline-none thin-scroll">
          <Suspense fallback={<PageSkeleton />}>
            <Outlet />
          </Suspense>
        </main>
        {!immersive && <BottomBar />}
      </div>
      <Overlays />
      <Announcer />
    </div>
  );
}

/** For as long as somebody is signed in. */
function FollowedLists() {
  useFollowedLists();
  return null;
}
