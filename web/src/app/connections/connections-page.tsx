/** The tools, each with its state and the one thing to do next. */

import { FailureNote } from '../../ui/failure-note.tsx';
import { Skeleton } from '../../ui/skeleton.tsx';
import { failureOf } from '../data/errors.ts';
import { isOver, useCredentials, useMe, useProviders, useRuns, useSessions, useUsage } from '../data/queries.ts';
import { Page } from '../frame/page.tsx';
import { useTitle } from '../frame/title.ts';
import { cardStateOf, loudOf } from './card-state.ts';
import { LatestRuns } from './latest-runs.tsx';
import { ProviderCard } from './provider-card.tsx';
import { weekOf } from './week.ts';

export function ConnectionsPage() {
  useTitle('Connections');
  const me = useMe();
  const providers = useProviders();
  const credentials = useCredentials();
  const sessions = useSessions();
  const active = (sessions.data ?? []).filter((session) => !isOver(session) && session.userId === me.data?.id);
  const latest = useRuns().data?.pages[0] ?? [];
  const usage = useUsage();

  const queries = [providers, credentials, sessions];
  const failed = queries.find(({ isError, data }) => isError && data === undefined);
  // The week is waited for, so that no card grows when it comes; without it they do as well.
  const ready = !usage.isPending && providers.data && credentials.data && sessions.data;
  const cards = ready
    ? providers.data.map((provider) => ({ provider, state: cardStateOf(provider.id, credentials.data, active) }))
    : [];
  const isLoud = loudOf(cards.map(({ state }) => state));
  const firstVisit = ready && credentials.data.length === 0;

  return (
    <Page>
      {firstVisit && (
        <p className="mb-6 max-w-[42rem] text-muted sm:mb-8">
          Connect a tool once, in a private desktop that is destroyed afterwards. Then run it from here, from scripts,
          or from your terminal.
        </p>
      )}
      {failed ? (
        <FailureNote
          {...failureOf(failed.error)}
          className="max-w-[46rem]"
          onRetry={() => {
            for (const query of queries) void query.refetch();
          }}
        />
      ) : (
        <ul className="grid gap-4 lg:grid-cols-3 lg:gap-5">
          {ready
            ? cards.map(({ provider, state }) => (
                <li key={provider.id}>
                  <ProviderCard
                    provider={provider}
                    state={state}
                    loud={isLoud(state)}
                    week={weekOf(provider.id, usage.data ?? [])}
                  />
                </li>
              ))
            : ['first', 'second', 'third'].map((key) => (
                <li key={key}>
                  <CardSkeleton />
                </li>
              ))}
        </ul>
      )}
      {ready && <LatestRuns runs={latest} providers={providers.data} />}
    </Page>
  );
}

function CardSkeleton() {
  return (
    <div className="flex h-full min-h-[16.375rem] flex-col rounded-lg border border-line bg-surface p-5">
      <div className="flex items-center gap-3.5">
        <Skeleton className="size-11 rounded-lg" />
        <Skeleton className="h-4.5 w-28" />
      </div>
      <Skeleton className="mt-5 h-3.5 w-full" />
      <Skeleton className="mt-2.5 h-3.5 w-3/5" />
      <Skeleton className="mt-auto h-10 w-full rounded-md" />
    </div>
  );
}
