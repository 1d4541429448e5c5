/** What else can be done with a tool; with several accounts, for each of them. */

import type { Credential, ProviderInfo } from '@polydev/protocol';
import { Ellipsis, ExternalLink, History, KeyRound, MonitorUp, Stethoscope, Unplug, X } from 'lucide-react';
import { Fragment } from 'react';
import { useNavigate } from 'react-router';
import { IconButton } from '../../ui/button.tsx';
import { Menu, MenuItem, MenuLabel, MenuLine } from '../../ui/menu.tsx';
import { historyPath } from '../paths.ts';
import { accountName } from './card-state.ts';

export interface CardMenuProps {
  provider: ProviderInfo;
  credentials: readonly Credential[];
  signingIn: boolean;
  testing: boolean;
  onTest(credential: Credential): void;
  onDisconnect(credential: Credential): void;
  onSignIn(): void;
  onApiKey(): void;
  onCancel(): void;
}

export function CardMenu(props: CardMenuProps) {
  const { provider, credentials, signingIn, testing, onTest, onDisconnect, onSignIn, onApiKey, onCancel } = props;
  const navigate = useNavigate();
  const several = credentials.length > 1;
  return (
    <Menu
      label={`More for ${provider.name}`}
      trigger={
        <IconButton label={`More for ${provider.name}`}>
          <Ellipsis className="size-4.5" aria-hidden />
        </IconButton>
      }
    >
      <MenuItem icon={<History />} onSelect={() => void navigate(historyPath(provider.name))}>
        History
      </MenuItem>
      {!signingIn && (
        <MenuItem icon={<MonitorUp />} onSelect={onSignIn}>
          {credentials.length > 0 ? 'Sign in again' : 'Sign in in a desktop'}
        </MenuItem>
      )}
      <MenuItem icon={<KeyRound />} onSelect={onApiKey}>
        Use an API key
      </MenuItem>
      <MenuItem
        icon={<ExternalLink />}
        onSelect={() => window.open(provider.termsPage, '_blank', 'noopener,noreferrer')}
      >
        Terms of {provider.maker}
      </MenuItem>
      {signingIn && (
        <>
          <MenuLine />
          <MenuItem icon={<X />} danger onSelect={onCancel}>
            Cancel the sign-in
          </MenuItem>
        </>
      )}
      {credentials.map((credential) => (
        <Fragment key={credential.id}>
          <MenuLine />
          {several && <MenuLabel>{accountName(credential)}</MenuLabel>}
          <MenuItem icon={<Stethoscope />} disabled={testing} onSelect={() => onTest(credential)}>
            Test the connection
          </MenuItem>
          <MenuItem icon={<Unplug />} danger onSelect={() => onDisconnect(credential)}>
            Disconnect
          </MenuItem>
        </Fragment>
      ))}
    </Menu>
  );
}
