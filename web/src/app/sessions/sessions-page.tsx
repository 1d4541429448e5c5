/** Every sign-in so far: which tool, when, and how it ended. */

import type { AuthSession, SessionState } from '@polydev/protocol';
import { ChevronRight } from 'lucide-react';
import { Link } from 'react-router';
import { ButtonLink } from '../../ui/button.tsx';
import { FailureNote } from '../../ui/failure-note.tsx';
import { Skeleton } from '../../ui/skeleton.tsx';
import { Status, type Tone } from '../../ui/status.tsx';
import { Time } from '../../ui/time.tsx';
import { duration } from '../../ui/times.ts';
import { failureOf } from '../data/errors.ts';
import { isOver, useFollowedSessions } from '../data/follow-sessions.ts';
import { useProviders, useSessions } from '../data/queries.ts';
import { useTitle } from '../frame/title.ts';
import { paths, signInPath } from '../paths.ts';
import { ProviderMark } from '../provider-mark.tsx';
import { sessionStateWords } from '../sign-in/words.ts';

const tones: Partial<Record<SessionState, Tone>> = {
  connected: 'good',
  failed: 'bad',
  expired: 'warn',
  cancelled: 'neutral',
};

export default function SessionsPage() {
  useTitle('Sessions');
  const sessions = useSessions();
  const providers = useProviders();
  useFollowedSessions(sessions.data ?? []);
  const nameOf = (session: AuthSession) => providers.data?.find(({ id }) => id === session.provider)?.name ?? '';

  return (
    <div className="mx-auto w-full max-w-[52rem] px-4 py-6 sm:px-8 sm:py-8">
      <p className="mb-6 max-w-[42rem] text-muted">
        Every sign-in gets a desktop of its own, which is destroyed when it ends.
      </p>
      {sessions.isError && sessions.data === undefined ? (
        <FailureNote {...failureOf(sessions.error)} onRetry={() => void sessions.refetch()} />
      ) : !sessions.data || !providers.data ? (
        <div className="divide-y divide-line rounded-lg border border-line bg-surface">
          {['a', 'b', 'c'].map((key) => (
            <div key={key} className="flex h-17 items-center gap-4 px-4">
              <Skeleton className="size-4" />
              <Skeleton className="h-3.5 w-28" />
              <Skeleton className="ml-auto h-3.5 w-20" />
            </div>
          ))}
        </div>
      ) : sessions.data.length === 0 ? (
        <div className="rounded-lg border border-dashed border-line-strong px-6 py-12 text-center">
          <h2 className="text-lg font-semibold">No sign-in yet</h2>
          <p className="mt-1 text-muted">The first one starts with Connect.</p>
          <ButtonLink to={paths.connections} look="primary" className="mt-5">
            Go to Connections
          </ButtonLink>
        </div>
      ) : (
        <ul className="divide-y divide-line overflow-hidden rounded-lg border border-line bg-surface">
          {sessions.data.map((session) => (
            <li key={session.id}>
              <SessionRow session={session} name={nameOf(session)} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function SessionRow({ session, name }: { session: AuthSession; name: string }) {
  const { id, state, provider, createdAtMs, endedAtMs, reason } = session;
  const over = isOver(session);
  return (
    <Link
      to={signInPath(id)}
      className="flex min-h-17 items-center gap-3.5 px-4 py-3 outline-offset-[-2px] transition-colors hover:bg-sunken"
    >
      <ProviderMark provider={provider} size="small" />
      <span className="min-w-0 flex-1 sm:flex sm:items-baseline sm:gap-6">
        <span className="block font-medium sm:w-32 sm:shrink-0">{name}</span>
        <span className="block min-w-0 flex-1 truncate">
          <Status tone={tones[state] ?? 'accent'} pulsing={!over}>
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
