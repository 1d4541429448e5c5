/** How a sign-in ended, in the place where the picture was. */

import type { AuthSession, ProviderInfo, SequencedEvent, SessionEvent } from '@polydev/protocol';
import { Check, CircleSlash, Clock, X } from 'lucide-react';
import type { ReactNode } from 'react';
import { Button, ButtonLink } from '../../ui/button.tsx';
import { classes } from '../../ui/classes.ts';
import { FailureNote } from '../../ui/failure-note.tsx';
import { accountName } from '../connections/card-state.ts';
import { useStartSignIn } from '../connections/use-start-sign-in.ts';
import { WaitingForDesktop } from '../connections/waiting-for-desktop.tsx';
import { failureOf } from '../data/errors.ts';
import { useCredentials } from '../data/queries.ts';
import { paths, promptPath } from '../paths.ts';
import { currentStep, type Timeline } from './timeline.ts';
import { WhatHappened } from './what-happened.tsx';
import { stepTitle } from './words.ts';

export interface OutcomeProps {
  provider: ProviderInfo;
  session: AuthSession;
  timeline: Timeline;
  events: readonly SequencedEvent<SessionEvent>[];
}

export function Outcome(props: OutcomeProps) {
  return props.timeline.state === 'connected' ? <Connected {...props} /> : <NotConnected {...props} />;
}

function Connected({ provider, session, timeline }: OutcomeProps) {
  const credentials = useCredentials();
  const credential = credentials.data?.find(({ id }) => id === session.credentialId);
  const destroyed = timeline.steps.at(-1)?.state !== 'active';
  return (
    <Panel
      mark={<Check className="size-8" strokeWidth={2.5} />}
      markClasses="bg-good-soft text-good"
      title="Successfully connected"
    >
      <p className="mt-2 text-muted">
        {provider.name} runs as {credential ? <span className="text-text">{accountName(credential)}</span> : 'you'} from
        now on. {destroyed ? 'The desktop has been destroyed.' : 'The desktop is being destroyed.'}
      </p>
      <div className="mt-7 flex flex-wrap justify-center gap-2.5">
        <ButtonLink to={promptPath(session.credentialId ?? provider.id)} look="primary">
          Run a prompt
        </ButtonLink>
        <ButtonLink to={paths.connections}>Back to Connections</ButtonLink>
      </div>
    </Panel>
  );
}

const ends = {
  failed: { title: 'The sign-in failed', Icon: X, mark: 'bg-bad-soft text-bad' },
  expired: { title: 'The time ran out', Icon: Clock, mark: 'bg-warn-soft text-warn' },
  cancelled: { title: 'Sign-in cancelled', Icon: CircleSlash, mark: 'bg-sunken text-muted' },
} as const;

function NotConnected({ provider, session, timeline, events }: OutcomeProps) {
  const again = useStartSignIn({ replace: true });
  const { state } = timeline;
  const { title, Icon, mark } = ends[state === 'expired' || state === 'cancelled' ? state : 'failed'];
  const step = currentStep(timeline);
  const reason = timeline.reason ?? session.reason;
  return (
    <Panel mark={<Icon className="size-8" strokeWidth={2.25} />} markClasses={mark} title={title}>
      <p className="mt-2">
        {step?.state === 'failed' && state === 'failed' && (
          <span className="font-medium">At “{stepTitle({ ...step, state: 'active' })}”: </span>
        )}
        {reason?.message ?? 'It ended before a credential was proved.'}
      </p>
      <p className="mt-1 text-muted">
        {reason && state !== 'cancelled' ? reason.hint : 'Nothing was kept. The desktop is destroyed.'}
      </p>
      <div className="mt-7 flex flex-wrap justify-center gap-2.5">
        <Button
          look="primary"
          busy={again.isPending}
          onClick={() => again.mutate({ provider: provider.id, label: session.label })}
        >
          Try again
        </Button>
        <ButtonLink to={paths.connections}>Back to Connections</ButtonLink>
      </div>
      <WaitingForDesktop waiting={again.isPending} />
      {again.isError && <FailureNote {...failureOf(again.error)} className="mt-5 text-left" />}
      <WhatHappened session={session} events={events} />
    </Panel>
  );
}

function Panel({
  mark,
  markClasses,
  title,
  children,
}: {
  mark: ReactNode;
  markClasses: string;
  title: string;
  children: ReactNode;
}) {
  return (
    <div className="grid h-full min-h-80 grid-cols-[minmax(0,1fr)] place-items-center overflow-y-auto rounded-lg border border-line bg-surface p-6 text-center animate-settle thin-scroll">
      <div className="w-full max-w-[28rem] py-4" role="status">
        <span className={classes('mx-auto grid size-16 place-items-center rounded-full', markClasses)} aria-hidden>
          {mark}
        </span>
        <h2 className="mt-5 text-xl font-semibold">{title}</h2>
        {children}
      </div>
    </div>
  );
}
