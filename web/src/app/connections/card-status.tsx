/** A card's state, in words and colour together. */

import type { Credential, ProviderInfo } from '@polydev/protocol';
import type { ReactNode } from 'react';
import { Status, StatusDot } from '../../ui/status.tsx';
import { Time } from '../../ui/time.tsx';
import { accountDetail, accountName, type CardState } from './card-state.ts';

export function CardStatus({
  provider,
  state,
  testing,
}: {
  provider: ProviderInfo;
  state: CardState;
  testing: boolean;
}) {
  if (testing) {
    return (
      <Lines below="With one short prompt">
        <Status tone="accent" pulsing>
          Testing
        </Status>
      </Lines>
    );
  }
  switch (state.name) {
    case 'not_connected':
      return <Status tone="neutral">Not connected</Status>;
    case 'signing_in':
      return (
        <Lines
          below={
            <>
              Since <Time atMs={state.session.createdAtMs} />
            </>
          }
        >
          <Status tone="accent" pulsing>
            Signing in
          </Status>
        </Lines>
      );
    case 'connected':
    case 'expired':
      if (state.others.length > 0) return <Accounts accounts={[state.credential, ...state.others]} />;
      return state.name === 'connected' ? (
        <Connected credential={state.credential} />
      ) : (
        <Expired provider={provider} credential={state.credential} />
      );
  }
}

/** The state, and on a line of its own what else is worth knowing. */
function Lines({ children, below }: { children: ReactNode; below: ReactNode }) {
  return (
    <>
      <p className="flex min-w-0">{children}</p>
      <p className="mt-0.5 pl-4 text-muted break-words">{below}</p>
    </>
  );
}

function Connected({ credential }: { credential: Credential }) {
  const detail = accountDetail(credential);
  return (
    <Lines
      below={
        <>
          <Time atMs={credential.createdAtMs} />
          {detail && `, ${detail}`}
        </>
      }
    >
      <Status tone="good">
        Connected {credential.kind === 'api_key' ? 'by' : 'as'}{' '}
        <span className="font-medium break-all">{accountName(credential)}</span>
      </Status>
    </Lines>
  );
}

function Expired({ provider, credential }: { provider: ProviderInfo; credential: Credential }) {
  const byKey = credential.kind === 'api_key';
  return (
    <Lines
      below={
        <>
          {provider.maker} refused {byKey ? 'the key' : 'the last refresh'}, <Time atMs={credential.updatedAtMs} />
        </>
      }
    >
      <Status tone="bad">{byKey ? 'Enter a new key' : 'Sign in again'}</Status>
    </Lines>
  );
}

function Accounts({ accounts }: { accounts: readonly Credential[] }) {
  return (
    <>
      <p className="mb-1 text-muted">{accounts.length} accounts</p>
      <ul>
        {accounts.map((credential) => (
          <li
            key={credential.id}
            className="flex items-center gap-2 leading-6"
            data-testid={`account-${credential.id}`}
          >
            <StatusDot tone={credential.status === 'active' ? 'good' : 'bad'} />
            <span className="min-w-0 truncate font-medium" title={accountDetail(credential) || undefined}>
              {accountName(credential)}
            </span>
            <span className="ml-auto shrink-0 text-xs text-muted">
              {credential.status === 'active' ? (
                <>
                  <span className="sr-only">connected </span>
                  <Time atMs={credential.createdAtMs} />
                </>
              ) : (
                <span className="text-bad">{credential.kind === 'api_key' ? 'new key needed' : 'sign in again'}</span>
              )}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}
