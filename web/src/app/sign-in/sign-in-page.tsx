/** A sign-in: the desktop as large as it can be, beside the steps; at the end, how it went. */

import type { SessionId } from '@polydev/protocol';
import { limits } from '@polydev/protocol/limits';
import { PolydevApiError } from '@polydev/sdk';
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useRef, useState } from 'react';
import { useSearchParams } from 'react-router';
import { Button, ButtonLink } from '../../ui/button.tsx';
import { classes } from '../../ui/classes.ts';
import { FailureNote } from '../../ui/failure-note.tsx';
import { Skeleton } from '../../ui/skeleton.tsx';
import { ViewerEnded } from '../../viewer/connection.ts';
import { Viewer, type ViewerHandle } from '../../viewer/desktop-viewer.tsx';
import { polydev } from '../data/client.ts';
import { failureOf } from '../data/errors.ts';
import { isOver, useProviders, useSession } from '../data/queries.ts';
import { useTitle } from '../frame/title.ts';
import { NotFoundPage } from '../not-found-page.tsx';
import { paths } from '../paths.ts';
import { Outcome } from './outcome.tsx';
import { Stages } from './stages.tsx';
import { StepsPanel } from './steps-panel.tsx';
import { TimeLeft, TimeShort } from './time-left.tsx';
import { useTimeline } from './use-timeline.ts';

/** A cold machine boots in this time, or never. */
const handshakeMs = limits.sandboxBootMs + 10_000;

const cancelTitle = 'Cancel the sign-in';

export default function SignInPage() {
  const [search] = useSearchParams();
  const id = search.get('sessionId');
  if (id === null) return <NotFoundPage />;
  return <SignIn key={id} id={id as SessionId} />;
}

function SignIn({ id }: { id: SessionId }) {
  const session = useSession(id);
  const providers = useProviders();
  const { timeline, events, closed, error } = useTimeline(id, session.data?.createdAtMs);
  const viewer = useRef<ViewerHandle>(null);
  const [live, setLive] = useState(false);
  const cancel = useMutation({ mutationFn: () => polydev.sessions.cancel(id) });

  const provider = providers.data?.find((candidate) => candidate.id === session.data?.provider);
  useTitle(provider ? `Connect ${provider.name}` : 'Sign in');

  const failed = session.error ?? providers.error ?? (session.data ? null : error);
  if (failed) {
    return (
      <div className="mx-auto max-w-md px-4 py-16">
        <FailureNote {...failureOf(failed)} onRetry={() => window.location.reload()} />
        <ButtonLink to={paths.connections} className="mt-4">
          Back to Connections
        </ButtonLink>
      </div>
    );
  }
  if (!session.data || !provider) return <SignInSkeleton />;

  // A sign-in that is looked at later has ended; its events are still on the way.
  const over = timeline.over || (closed && isOver(session.data));
  const replaying = isOver(session.data) && !timeline.over && !closed;

  async function connect() {
    try {
      return await polydev.sessions.display(id);
    } catch (cause) {
      if (cause instanceof PolydevApiError && !cause.passing) throw new ViewerEnded(cause.message);
      throw cause;
    }
  }

  async function type(text: string): Promise<boolean> {
    const done = (await viewer.current?.type(text)) ?? false;
    viewer.current?.focus();
    return done;
  }

  if (replaying) return <SignInSkeleton />;
  const time = {
    session: session.data,
    expiresAtMs: Math.max(session.data.expiresAtMs, timeline.expiresAtMs ?? 0),
    idleExpiresAtMs: timeline.idleExpiresAtMs,
  };
  return (
    <Layout
      live={!over}
      picture={
        over ? (
          <Outcome provider={provider} session={session.data} timeline={timeline} events={events} />
        ) : (
          <Viewer
            ref={viewer}
            connect={connect}
            label={`Desktop for signing in to ${provider.name}`}
            handshakeMs={handshakeMs}
            onState={({ name }) => setLive(name === 'live')}
            waiting={<Stages stages={timeline.stages} />}
            bare={timeline.steps[0]?.state === 'active' && !error}
            notice={(full) => (
              <>
                {cancel.isError && <FailureNote {...failureOf(cancel.error)} />}
                <TimeShort {...time} full={full} />
              </>
            )}
            beside={
              // On a phone, within the thumb's reach.
              <Button
                look="plain"
                className="lg:hidden"
                aria-label={cancelTitle}
                busy={cancel.isPending}
                onClick={() => cancel.mutate()}
              >
                Cancel
              </Button>
            }
          />
        )
      }
      steps={
        <StepsPanel provider={provider} timeline={timeline} canType={live} onType={type}>
          {!over && (
            <>
              <TimeLeft {...time} />
              <div className="hidden border-t border-line px-3 py-2 lg:block">
                <Button look="plain" className="w-full" busy={cancel.isPending} onClick={() => cancel.mutate()}>
                  {cancelTitle}
                </Button>
              </div>
            </>
          )}
        </StepsPanel>
      }
    />
  );
}

interface LayoutProps {
  picture: ReactNode;
  steps: ReactNode;
  /** The picture is that of the desktop: on a phone it reaches the edges. */
  live?: boolean;
}

function Layout({ picture, steps, live = false }: LayoutProps) {
  return (
    <div
      className={classes(
        'flex h-full min-h-[30rem] flex-col gap-3 px-3 pt-3 lg:grid lg:grid-cols-[minmax(0,1fr)_19.5rem] lg:grid-rows-[minmax(0,1fr)] lg:gap-4 lg:p-4',
        live ? 'pb-[env(safe-area-inset-bottom)]' : 'pb-3',
      )}
    >
      <div className="contents lg:order-2 lg:flex lg:min-h-0 lg:flex-col [&>*]:lg:flex-1">{steps}</div>
      <div className={classes('min-h-0 flex-1', live && '-mx-3 lg:mx-0')}>{picture}</div>
    </div>
  );
}

function SignInSkeleton() {
  return (
    <Layout
      live
      picture={<div className="h-full border-y border-line bg-surface lg:rounded-lg lg:border-x" />}
      steps={
        <div
          aria-busy="true"
          className="h-36 shrink-0 space-y-4 rounded-lg border border-line bg-surface p-4 lg:h-full lg:p-5"
        >
          {['w-3/5', 'w-4/5', 'w-1/2'].map((width) => (
            <Skeleton key={width} className={classes('h-3.5', width)} />
          ))}
        </div>
      }
    />
  );
}
