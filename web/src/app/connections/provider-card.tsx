/** One tool: its name, what it gives, its state, the button that fits the state, and the rest in a menu. */

import type { ProviderInfo } from '@polydev/protocol';
import { useMutation } from '@tanstack/react-query';
import { Ellipsis, ExternalLink, History, KeyRound, MonitorUp, Plug, Stethoscope, X } from 'lucide-react';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { announce } from '../../ui/announcer.tsx';
import { Button, ButtonLink, IconButton } from '../../ui/button.tsx';
import { FailureNote } from '../../ui/failure-note.tsx';
import { Menu, MenuItem, MenuLine } from '../../ui/menu.tsx';
import { polydev } from '../data/client.ts';
import { failureOf } from '../data/errors.ts';
import { keys, refresh } from '../data/queries.ts';
import { historyPath, promptPath, signInPath } from '../paths.ts';
import { ProviderMark } from '../provider-mark.tsx';
import { ApiKeyDialog } from './api-key-dialog.tsx';
import { accountName, type CardState } from './card-state.ts';
import { CardStatus } from './card-status.tsx';
import { DisconnectDialog } from './disconnect-dialog.tsx';
import { useStartSignIn } from './use-start-sign-in.ts';
import type { Week } from './week.ts';
import { WeekPlot } from './week-plot.tsx';

export interface ProviderCardProps {
  provider: ProviderInfo;
  state: CardState;
  week: Week;
  /** There are more runs than were looked at. */
  weekIsPartial: boolean;
}

export function ProviderCard({ provider, state, week, weekIsPartial }: ProviderCardProps) {
  const navigate = useNavigate();
  const [dialog, setDialog] = useState<'api_key' | 'disconnect' | null>(null);
  const signIn = useStartSignIn();
  const credential = 'credential' in state ? state.credential : null;

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

  const failed = signIn.error ?? test.error ?? cancel.error;
  const start = () => signIn.mutate({ provider: provider.id });
  const askForKey = () => setDialog('api_key');

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
          <Menu
            label={`More for ${provider.name}`}
            trigger={
              <IconButton label={`More for ${provider.name}`}>
                <Ellipsis className="size-4.5" aria-hidden />
              </IconButton>
            }
          >
            {credential && (
              <MenuItem icon={<Stethoscope />} disabled={test.isPending} onSelect={() => test.mutate(credential.id)}>
                Test the connection
              </MenuItem>
            )}
            <MenuItem icon={<History />} onSelect={() => void navigate(historyPath(provider.name))}>
              History
            </MenuItem>
            {state.name !== 'signing_in' && (
              <MenuItem icon={<MonitorUp />} onSelect={start}>
                {credential ? 'Sign in again' : 'Sign in in a desktop'}
              </MenuItem>
            )}
            <MenuItem icon={<KeyRound />} onSelect={askForKey}>
              Use an API key
            </MenuItem>
            <MenuItem
              icon={<ExternalLink />}
              onSelect={() => window.open(provider.termsPage, '_blank', 'noopener,noreferrer')}
            >
              Terms of {provider.maker}
            </MenuItem>
            {state.name === 'signing_in' && (
              <>
                <MenuLine />
                <MenuItem icon={<X />} danger onSelect={() => cancel.mutate(state.session.id)}>
                  Cancel the sign-in
                </MenuItem>
              </>
            )}
            {credential && (
              <>
                <MenuLine />
                <MenuItem icon={<Plug />} danger onSelect={() => setDialog('disconnect')}>
                  Disconnect
                </MenuItem>
              </>
            )}
          </Menu>
        </div>
      </div>

      <p className="mt-4 text-sm text-muted">{provider.summary}</p>
      <div className="mt-4 mb-5 min-h-10 text-sm" aria-live="polite">
        <CardStatus provider={provider} state={state} testing={test.isPending} />
      </div>
      {failed && <FailureNote {...failureOf(failed)} className="mb-4" />}
      <div className="mt-auto space-y-5">
        {credential && week.runs > 0 && <WeekPlot week={week} partial={weekIsPartial} />}
        <PrimaryAction
          provider={provider}
          state={state}
          busy={signIn.isPending}
          onSignIn={start}
          onApiKey={askForKey}
        />
      </div>

      <ApiKeyDialog provider={provider} open={dialog === 'api_key'} onClose={() => setDialog(null)} />
      {credential && (
        <DisconnectDialog
          providerName={provider.name}
          account={accountName(credential)}
          credentialId={credential.id}
          open={dialog === 'disconnect'}
          onClose={() => setDialog(null)}
        />
      )}
    </section>
  );
}

interface PrimaryActionProps {
  provider: ProviderInfo;
  state: CardState;
  busy: boolean;
  onSignIn(): void;
  onApiKey(): void;
}

function PrimaryAction({ provider, state, busy, onSignIn, onApiKey }: PrimaryActionProps) {
  if (state.name === 'signing_in') {
    return (
      <ButtonLink to={signInPath(state.session.id)} look="primary" className="w-full">
        Return to desktop
      </ButtonLink>
    );
  }
  if (state.name === 'connected') {
    return (
      <ButtonLink to={promptPath(provider.id)} className="w-full">
        Run a prompt
      </ButtonLink>
    );
  }
  const byKey = state.name === 'expired' ? state.credential.kind === 'api_key' : provider.firstWayIn === 'api_key';
  if (byKey) {
    return (
      <Button look="primary" className="w-full" onClick={onApiKey} data-testid={`api-key-${provider.id}`}>
        {state.name === 'expired' ? 'Enter a new API key' : 'Connect with an API key'}
      </Button>
    );
  }
  return (
    <Button
      look="primary"
      className="w-full"
      busy={busy}
      onClick={onSignIn}
      aria-label={state.name === 'expired' ? `Sign in to ${provider.name} again` : `Connect ${provider.name}`}
      data-testid={`connect-${provider.id}`}
    >
      {state.name === 'expired' ? 'Sign in again' : 'Connect'}
    </Button>
  );
}
