/** Every sign-in so far: which tool, when, and how it ended. */

import type { AuthSession } from '@polydev/protocol';
import { ChevronRight } from 'lucide-react';
import { Link } from 'react-router';
import { Button, ButtonLink } from '../../ui/button.tsx';
import { FailureNote } from '../../ui/failure-note.tsx';
import { Skeleton } from '../../ui/skeleton.tsx';
import { Status } from '../../ui/status.tsx';
import { Time } from '../../ui/time.tsx';
import { duration } from '../../ui/times.ts';
import { noLabel } from '../connections/card-state.ts';
import { failureOf } from '../data/errors.ts';
import { isOver, useProviders, useSessionList } from '../data/queries.ts';
import { Page } from '../frame/page.tsx';
import { useTitle } from '../frame/title.ts';
import { paths, sessionPath, signInPath } from '../paths.ts';
import { ProviderMark } from '../provider-mark.tsx';
import { sessionStateWords, sessionTones } from '../sign-in/words.ts';
import { FilterBar, useSessionFilter } from './session-filter.tsx';

export default function SessionsPage() {
  useTitle('Sessions');
  const providers = useProviders();
  const known = providers.data ?? [];
  const { filter, set, clear } = useSessionFilter(known);
  const sessions = useSessionList(filter);
  const found = sessions.data?.pages.flat() ?? [];
  const nameOf = (session: AuthSession) => known.find(({ id }) => id === session.provider)?.name ?? session.provider;
  const filtered = Object.keys(filter).length > 0;
  const failed = sessions.isError && sessions.data === undefined ? sessions : providers.isError ? providers : null;

  return (
    <Page>
      <div className="mb-5 flex flex-wrap items-center justify-between gap-x-6 gap-y-3">
        <p className="text-muted">Every sign-in gets a desktop of its own, which is destroyed when it ends.</p>
        <FilterBar filter={filter} providers={known} onChange={set} />
      </div>
      {failed ? (
        <FailureNote {...failureOf(failed.error)} className="max-w-[46rem]" onRetry={() => void failed.refetch()} />
      ) : !sessions.data || !providers.data ? (
        <ListSkeleton />
      ) : found.length > 0 ? (
        <ul className="divide-y divide-line overflow-hidden rounded-lg border border-line bg-surface">
          {found.map((session) => (
            <li key={session.id}>
              <SessionRow session={session} name={nameOf(session)} />
            </li>
          ))}
        </ul>
      ) : (
        <div className="rounded-lg border border-dashed border-line px-6 py-12 text-center">
          <h2 className="text-lg font-semibold">{filtered ? 'No sign-in like that' : 'No sign-in yet'}</h2>
          <p className="mt-1 mb-5 text-muted">
            {filtered ? 'Others may have ended differently.' : 'The first one starts with Connect.'}
          </p>
          {filtered ? (
            <Button onClick={clear}>Show all</Button>
          ) : (
            <ButtonLink to={paths.connections} look="primary">
              Go to Connections
            </ButtonLink>
          )}
        </div>
      )}
      {sessions.hasNextPage && (
        <Button
          look="plain"
          className="mt-3 w-full"
          busy={sessions.isFetchingNextPage}
          onClick={() => void sessions.fetchNextPage()}
        >
          Older sign-ins
        </Button>
      )}
    </Page>
  );
}

function SessionRow({ session, name }: { session: AuthSession; name: string }) {
  const { id, state, provider, label, createdAtMs, endedAtMs, reason } = session;
  const over = isOver(session);
  return (
    <Link
      to={over ? sessionPath(id) : signInPath(id)}
      className="flex min-h-17 items-center gap-3.5 px-4 py-3 outline-offset-[-2px] transition-colors hover:bg-sunken"
    >
      <ProviderMark provider={provider} size="small" />
      <span className="min-w-0 flex-1 sm:flex sm:items-baseline sm:gap-6">
        <span className="block truncate font-medium sm:w-40 sm:shrink-0">
          {name}
          {label !== noLabel && <span className="font-normal text-muted">, {label}</span>}
        </span>
        <span className="block min-w-0 flex-1 truncate">
          <Status tone={sessionTones[state] ?? 'accent'} pulsing={!over}>
            {sessionStateWords[state]}
          </Status>
          {reason && state !== 'cancelled' && (
            <span className="hidden text-sm text-muted sm:inline"> · {reason.message}</span>
          )}
        </span>
      </span>
      <span className="shrink-0 text-right text-sm text-muted">
        <Time atMs={createdAtMs} />
        {endedAtMs !== null && (
          <span className="block text-xs tabular-nums">took {duration(endedAtMs - createdAtMs)}</span>
        )}
      </span>
      <ChevronRight className="size-4 shrink-0 text-muted" aria-hidden />
    </Link>
  );
}

function ListSkeleton() {
  return (
    <div className="divide-y divide-line rounded-lg border border-line bg-surface" aria-busy="true">
      {['a', 'b', 'c'].map((key) => (
        <div key={key} className="flex h-17 items-center gap-4 px-4">
          <Skeleton className="size-4" />
          <Skeleton className="h-3.5 w-28" />
          <Skeleton className="ml-auto h-3.5 w-20" />
        </div>
      ))}
    </div>
  );
}
