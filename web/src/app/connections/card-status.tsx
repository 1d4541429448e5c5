/** A card's state, in words and colour together. */

import type { Credential, CredentialId, ProviderInfo } from '@polydev/protocol';
import type { ReactNode } from 'react';
import { Status, StatusDot } from '../../ui/status.tsx';
import { Time } from '../../ui/time.tsx';
import { accountDetail, accountName, type CardState } from './card-state.ts';

export interface CardStatusProps {
  provider: ProviderInfo;
  state: CardState;
  /** For a desktop to sign in in. */
  waiting: boolean;
  testing: boolean;
  /** The account that a test found to work, and when. */
  tested: { id: CredentialId; atMs: number } | null;
}

export function CardStatus({ provider, state, waiting, testing, tested }: CardStatusProps) {
  if (waiting) {
    return (
      <Lines below="None is free right now">
        <Status tone="accent" pulsing>
          Waiting for a desktop
        </Status>
      </Lines>
    );
  }
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
              Started <Time atMs={state.session.createdAtMs} />
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
      if (state.others.length > 0) return <Accounts accounts={[state.credential, ...state.others]} tested={tested} />;
      return state.name === 'connected' ? (
        <Connected credential={state.credential} tested={tested} />
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
      <p className="mt-0.5 pl-4 text-muted break-words first-letter:uppercase">{below}</p>
    </>
  );
}

type Tested = CardStatusProps['tested'];

function Connected({ credential, tested }: { credential: Credential; tested: Tested }) {
  const detail = accountDetail(credential);
  const name = accountName(credential);
  const joined = name === 'API key' ? 'by' : name === 'your account' ? 'with' : 'as';
  return (
    <Lines
      below={
        <>
          <Since credential={credential} tested={tested} />
          {detail && `, ${detail}`}
        </>
      }
    >
      <Status tone="good">
        Connected {joined} <span className="font-medium break-all">{name}</span>
      </Status>
    </Lines>
  );
}

/** Since when it is connected; after a test, that it works. */
function Since({ credential, tested }: { credential: Credential; tested: Tested }) {
  if (tested?.id !== credential.id) return <Time atMs={credential.createdAtMs} />;
  return (
    <>
      works, tested <Time atMs={tested.atMs} />
    </>
  );
}

function Expired({ provider, credential }: { provider: ProviderInfo; credential: Credential }) {
  const byKey = credential.kind === 'api_key';
  return (
    <Lines
      below={
        <>
          {provider.maker} {byKey ? 'refused the key' : 'no longer accepts the sign-in'},{' '}
          <Time atMs={credential.updatedAtMs} />
        </>
      }
    >
      <Status tone="bad">{byKey ? 'Enter a new key' : 'Sign in again'}</Status>
    </Lines>
  );
}

function Accounts({ accounts, tested }: { accounts: readonly Credential[]; tested: Tested }) {
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
                  <Since credential={credential} tested={tested} />
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
