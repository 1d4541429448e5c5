/** One tool: its name, what it gives, its state, the button that fits the state, and the rest in a menu. */

import type { Credential, ProviderInfo } from '@polydev/protocol';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useSearchParams } from 'react-router';
import { announce } from '../../ui/announcer.tsx';
import { Button, ButtonLink, type ButtonLook } from '../../ui/button.tsx';
import { FailureNote } from '../../ui/failure-note.tsx';
import { polydev } from '../data/client.ts';
import { failureOf } from '../data/errors.ts';
import { keys, refresh } from '../data/queries.ts';
import { promptPath, signInPath } from '../paths.ts';
import { ProviderMark } from '../provider-mark.tsx';
import { AnotherAccountDialog, RenameDialog } from './account-dialogs.tsx';
import { ApiKeyDialog } from './api-key-dialog.tsx';
import { CardMenu } from './card-menu.tsx';
import { accountsOf, type CardState } from './card-state.ts';
import { CardStatus } from './card-status.tsx';
import { DisconnectDialog } from './disconnect-dialog.tsx';
import { useStartSignIn } from './use-start-sign-in.ts';
import { useLate } from './waiting-for-desktop.tsx';
import type { Week } from './week.ts';
import { WeekPlot } from './week-plot.tsx';

export interface ProviderCardProps {
  provider: ProviderInfo;
  state: CardState;
  /** Its button is what the page is about now. */
  loud: boolean;
  week: Week;
}

/** What a dialog of the card asks for. */
type Asking =
  | { for: 'key'; newLabel?: string }
  | { for: 'another' }
  | { for: 'name'; credential: Credential }
  | { for: 'leave'; credential: Credential };

export function ProviderCard({ provider, state, loud, week }: ProviderCardProps) {
  const [asking, setAsking] = useState<Asking | null>(null);
  const [query, setQuery] = useSearchParams();
  const askedForKey = query.get('key') === provider.id;
  const close = () => {
    setAsking(null);
    if (askedForKey) setQuery({}, { replace: true });
  };
  const signIn = useStartSignIn();
  const late = useLate(signIn.isPending);
  const credentials = accountsOf(state);

  const test = useMutation({
    mutationFn: polydev.credentials.test,
    onSuccess({ status }) {
      announce(status === 'active' ? `${provider.name} works.` : `${provider.name}: sign in again.`);
      return refresh(keys.credentials);
    },
  });
  const cancel = useMutation({
    mutationFn: polydev.sessions.cancel,
    onSettled: () => refresh(keys.sessions),
  });

  const works = test.isSuccess && test.data.status === 'active';
  const tested = works ? { id: test.data.id, atMs: test.submittedAt } : null;
  const failed = signIn.error ?? test.error ?? cancel.error;
  const start = (account = credentials.find(({ kind }) => kind === 'files')) =>
    signIn.mutate({ provider: provider.id, ...(account ? { label: account.label } : {}) });
  const askForKey = () => setAsking({ for: 'key' });

  return (
    <section
      aria-label={provider.name}
      data-testid={`card-${provider.id}`}
      data-state={state.name}
      className="flex h-full flex-col rounded-lg border border-line bg-surface p-5"
    >
      <div className="flex items-start gap-3.5">
        <ProviderMark provider={provider.id} />
        <div className="min-w-0 flex-1 pt-0.5">
          <h2 className="text-lg leading-6 font-semibold">{provider.name}</h2>
          <p className="text-sm text-muted">{provider.maker}</p>
        </div>
        <div className="-mt-1 -mr-2">
          <CardMenu
            provider={provider}
            credentials={credentials}
            signingIn={state.name === 'signing_in'}
            testing={test.isPending}
            onTest={({ id }) => test.mutate(id)}
            onRename={(credential) => setAsking({ for: 'name', credential })}
            onDisconnect={(credential) => setAsking({ for: 'leave', credential })}
            onSignIn={start}
            onApiKey={askForKey}
            onAnother={() => setAsking({ for: 'another' })}
            onCancel={() => state.name === 'signing_in' && cancel.mutate(state.session.id)}
          />
        </div>
      </div>

      <p className="mt-4 text-sm text-muted">{provider.summary}</p>
      <div className="mt-4 mb-5 text-sm lg:min-h-11" aria-live="polite">
        <CardStatus provider={provider} state={state} waiting={late} testing={test.isPending} tested={tested} />
      </div>
      {failed && <FailureNote {...failureOf(failed)} className="mb-4" />}
      <div className="mt-auto space-y-5">
        {credentials.length > 0 && week.runs > 0 && <WeekPlot week={week} />}
        <PrimaryAction
          provider={provider}
          state={state}
          look={loud ? 'primary' : 'quiet'}
          busy={signIn.isPending}
          onSignIn={() => start()}
          onApiKey={askForKey}
        />
      </div>

      <ApiKeyDialog
        provider={provider}
        credentials={credentials}
        newLabel={asking?.for === 'key' ? asking.newLabel : undefined}
        open={asking?.for === 'key' || askedForKey}
        onClose={close}
      />
      {asking?.for === 'another' && (
        <AnotherAccountDialog
          provider={provider}
          credentials={credentials}
          onApiKey={(newLabel) => setAsking({ for: 'key', newLabel })}
          onClose={close}
        />
      )}
      {asking?.for === 'name' && <RenameDialog credential={asking.credential} onClose={close} />}
      {asking?.for === 'leave' && (
        <DisconnectDialog providerName={provider.name} credential={asking.credential} onClose={close} />
      )}
    </section>
  );
}

interface PrimaryActionProps {
  provider: ProviderInfo;
  state: CardState;
  look: ButtonLook;
  busy: boolean;
  onSignIn(): void;
  onApiKey(): void;
}

function PrimaryAction({ provider, state, look, busy, onSignIn, onApiKey }: PrimaryActionProps) {
  // One that still waits has no desktop to go to.
  if (state.name === 'signing_in' && !busy) {
    return (
      <ButtonLink to={signInPath(state.session.id)} look={look} className="w-full">
        Return to desktop
      </ButtonLink>
    );
  }
  if (state.name === 'connected') {
    return (
      <ButtonLink to={promptPath(state.credential.id)} look={look} className="w-full">
        Run a prompt
      </ButtonLink>
    );
  }
  const byKey = state.name === 'expired' ? state.credential.kind === 'api_key' : provider.firstWayIn === 'api_key';
  if (byKey) {
    return (
      <Button look={look} className="w-full" onClick={onApiKey} data-testid={`api-key-${provider.id}`}>
        {state.name === 'expired' ? 'Enter a new API key' : 'Connect with an API key'}
      </Button>
    );
  }
  return (
    <Button
      look={look}
      className="w-full"
      busy={busy}
      onClick={onSignIn}
      aria-label={state.name === 'expired' ? `Sign in again: ${provider.name}` : `Connect ${provider.name}`}
      data-testid={`connect-${provider.id}`}
    >
      {state.name === 'expired' ? 'Sign in again' : 'Connect'}
    </Button>
  );
}
