/** A card's state, in words and colour together. */

import type { ProviderInfo } from '@polydev/protocol';
import { Status } from '../../ui/status.tsx';
import { Time } from '../../ui/time.tsx';
import { accountName, type CardState } from './card-state.ts';

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
      <Status tone="accent" pulsing>
        Testing, with one short prompt
      </Status>
    );
  }
  switch (state.name) {
    case 'not_connected':
      return <Status tone="neutral">Not connected</Status>;
    case 'signing_in':
      return (
        <Status tone="accent" pulsing>
          Signing in, since <Time atMs={state.session.createdAtMs} />
        </Status>
      );
    case 'connected': {
      const { credential, others } = state;
      return (
        <Status tone="good">
          Connected {credential.kind === 'api_key' ? 'by' : 'as'}{' '}
          <span className="font-medium break-all">{accountName(credential)}</span>
          <span className="text-muted">
            {others.length > 0 && ` and ${others.length} more`}, <Time atMs={credential.createdAtMs} />
          </span>
        </Status>
      );
    }
    case 'expired':
      return (
        <Status tone="bad">
          {state.credential.kind === 'api_key' ? 'Enter a new key' : 'Sign in again'}
          <span className="text-muted">
            : {provider.maker} refused {state.credential.kind === 'api_key' ? 'the key' : 'the last refresh'},{' '}
            <Time atMs={state.credential.updatedAtMs} />
          </span>
        </Status>
      );
  }
}
