/** One sign-in, looked at afterwards or from the side: how it went, event by event, and what its machine said. */

import type { AuthSession, Credential, ProviderInfo, SessionId } from '@polydev/protocol';
import { ArrowLeft } from 'lucide-react';
import { type ReactNode, useEffect } from 'react';
import { Link, useParams } from 'react-router';
import { Button, ButtonLink } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { FailureNote } from '../../ui/failure-note.tsx';
import { Skeleton } from '../../ui/skeleton.tsx';
import { Status } from '../../ui/status.tsx';
import { Time } from '../../ui/time.tsx';
import { duration, shortTime } from '../../ui/times.ts';
import { accountName, noLabel } from '../connections/card-state.ts';
import { useStartSignIn } from '../connections/use-start-sign-in.ts';
import { failureOf } from '../data/errors.ts';
import { isOver, keys, refresh, useCredentials, useProviders, useSession } from '../data/queries.ts';
import { Page } from '../frame/page.tsx';
import { useTitle } from '../frame/title.ts';
import { paths, promptPath, signInPath } from '../paths.ts';
import { ProviderMark } from '../provider-mark.tsx';
import { useTimeline } from '../sign-in/use-timeline.ts';
import { sessionStateWords, sessionTones } from '../sign-in/words.ts';
import { EventLog } from './event-log.tsx';
import { DesktopPicture, MachineConsole, MachineJournal } from './machine-logs.tsx';

export default function SessionPage() {
  useTitle('Sign-in');
  const id = useParams().sessionId as SessionId;
  const session = useSession(id);
  const providers = useProviders();
  const failed = session.error ?? providers.error;
  const provider = providers.data?.find((candidate) => candidate.id === session.data?.provider);
  return (
    <Page>
      <div className="max-w-[46rem] xl:max-w-none">
        <Link
          to={paths.sessions}
          className="-mt-3 mb-3 -ml-1 inline-flex min-h-10 items-center gap-1.5 rounded-md px-1 text-sm text-muted hover:text-text"
        >
          <ArrowLeft className="size-4" aria-hidden />
          All sessions
        </Link>
        {session.data && provider ? (
          <Details key={id} session={session.data} provider={provider} />
        ) : failed ? (
          <FailureNote
            {...failureOf(failed)}
            className="max-w-[46rem]"
            onRetry={() => {
              void session.refetch();
              void providers.refetch();
            }}
          />
        ) : (
          <div aria-busy="true" className="space-y-6">
            <Skeleton className="h-11 w-56 rounded-lg" />
            <Skeleton className="h-28 w-full rounded-lg" />
            <Skeleton className="h-64 w-full rounded-lg" />
          </div>
        )}
      </div>
    </Page>
  );
}

function Details({ session, provider }: { session: AuthSession; provider: ProviderInfo }) {
  const { events, error } = useTimeline(session.id, session.createdAtMs);
  const credentials = useCredentials();
  const again = useStartSignIn();
  const over = isOver(session);
  const { state, reason } = session;
  // What happened has been written down there, too.
  const { length } = events;
  useEffect(() => {
    if (length > 0 && !over) void refresh(keys.logs(session.id));
  }, [length, over, session.id]);
  const credential = credentials.data?.find(({ id }) => id === session.credentialId);
  const retry = () => again.mutate({ provider: provider.id, label: session.label });

  return (
    <>
      <header className="flex flex-wrap items-center gap-x-4 gap-y-3">
        <ProviderMark provider={provider.id} />
        <div className="min-w-0 flex-1">
          <h2 className="text-lg leading-6 font-semibold">
            {provider.name}
            {session.label !== noLabel && <span className="font-normal text-muted">, {session.label}</span>}
          </h2>
          <Status tone={sessionTones[state] ?? 'accent'} pulsing={!over}>
            {sessionStateWords[state]}
          </Status>
        </div>
        {!over ? (
          <ButtonLink to={signInPath(session.id)} look="primary">
            Return to desktop
          </ButtonLink>
        ) : state === 'connected' && credential ? (
          <ButtonLink to={promptPath(credential.id)}>Run a prompt</ButtonLink>
        ) : (
          state === 'cancelled' && (
            <Button busy={again.isPending} onClick={retry}>
              Sign in again
            </Button>
          )
        )}
      </header>

      <div className="mt-5 grid gap-5 xl:grid-cols-[minmax(0,1fr)_19rem] xl:gap-x-6">
        <div className="space-y-5 empty:hidden">
          {reason && state !== 'cancelled' && (
            <FailureNote
              message={reason.message}
              hint={reason.hint}
              onRetry={credential?.status === 'active' ? undefined : retry}
            />
          )}
          {again.isError && <FailureNote {...failureOf(again.error)} />}
        </div>
        <Facts session={session} credential={credential} />
        <div className="max-xl:mt-3">
          <section aria-labelledby="timeline">
            <h3 id="timeline" className="mb-2 text-sm font-semibold xl:sr-only">
              Timeline
            </h3>
            <div className="rounded-lg border border-line bg-surface px-3 py-3">
              {events.length > 0 ? (
                <EventLog events={events} createdAtMs={session.createdAtMs} />
              ) : error ? (
                <FailureNote {...failureOf(error)} />
              ) : (
                <Skeleton className="h-40 w-full" />
              )}
            </div>
          </section>
          {state !== 'connected' && state !== 'cancelled' && (
            <div className="mt-4">
              <MachineConsole id={session.id} />
              <MachineJournal id={session.id} />
              <DesktopPicture id={session.id} live={!over} />
            </div>
          )}
        </div>
      </div>
    </>
  );
}

function Facts({ session, credential }: { session: AuthSession; credential: Credential | undefined }) {
  const { id, createdAtMs, endedAtMs } = session;
  return (
    <dl className="grid grid-cols-2 gap-x-6 gap-y-4 rounded-lg border border-line bg-surface p-4 text-sm sm:grid-cols-3 xl:col-start-2 xl:row-span-2 xl:row-start-1 xl:grid-cols-1 xl:self-start">
      <Fact name="Started">
        <Time atMs={createdAtMs} />
        <span className="block text-xs text-muted">{shortTime(createdAtMs)}</span>
      </Fact>
      <Fact name="Took">{endedAtMs === null ? 'Under way' : duration(endedAtMs - createdAtMs)}</Fact>
      <Fact name="Account">
        {credential ? accountName(credential) : session.credentialId ? 'Disconnected' : 'None'}
      </Fact>
      <div className="col-span-full -mb-2 flex items-center gap-1 border-t border-line pt-2">
        <dt className="text-muted">Id</dt>
        <dd className="flex min-w-0 flex-1 items-center justify-between">
          <code className="truncate pl-2 text-xs" translate="no">
            {id}
          </code>
          <CopyButton text={id} label="Copy the id" />
        </dd>
      </div>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-muted">{name}</dt>
      <dd className="mt-0.5 font-medium break-words [&>span]:font-normal">{children}</dd>
    </div>
  );
}
