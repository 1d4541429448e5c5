/** What else can be done with a tool; with several accounts, for each of them. */

import type { Credential, ProviderInfo } from '@polydev/protocol';
import {
  Ellipsis,
  ExternalLink,
  History,
  KeyRound,
  MonitorUp,
  PencilLine,
  RotateCcw,
  Stethoscope,
  Unplug,
  UserPlus,
  X,
} from 'lucide-react';
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
  onRename(credential: Credential): void;
  onDisconnect(credential: Credential): void;
  /** Without one: the first account. */
  onSignIn(credential?: Credential): void;
  onApiKey(): void;
  onAnother(): void;
  onCancel(): void;
}

export function CardMenu(props: CardMenuProps) {
  const { provider, credentials, signingIn, testing } = props;
  const navigate = useNavigate();
  const connected = credentials.length > 0;
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
      <MenuItem icon={<History />} onSelect={() => void navigate(historyPath(provider.id))}>
        History
      </MenuItem>
      {!signingIn && !connected && (
        <MenuItem icon={<MonitorUp />} onSelect={() => props.onSignIn()}>
          Sign in on a desktop
        </MenuItem>
      )}
      <MenuItem icon={<KeyRound />} onSelect={props.onApiKey}>
        Use an API key
      </MenuItem>
      {!signingIn && connected && (
        <MenuItem icon={<UserPlus />} onSelect={props.onAnother}>
          Connect another account
        </MenuItem>
      )}
      <MenuItem
        icon={<ExternalLink />}
        onSelect={() => window.open(provider.termsPage, '_blank', 'noopener,noreferrer')}
      >
        Terms of {provider.maker}
      </MenuItem>
      {signingIn && (
        <>
          <MenuLine />
          <MenuItem icon={<X />} danger onSelect={props.onCancel}>
            Cancel the sign-in
          </MenuItem>
        </>
      )}
      {credentials.map((credential) => (
        <Fragment key={credential.id}>
          <MenuLine />
          {several && <MenuLabel>{accountName(credential)}</MenuLabel>}
          <MenuItem icon={<Stethoscope />} disabled={testing} onSelect={() => props.onTest(credential)}>
            Test the connection
          </MenuItem>
          {!signingIn && credential.kind === 'files' && (
            <MenuItem icon={<RotateCcw />} onSelect={() => props.onSignIn(credential)}>
              Sign in again
            </MenuItem>
          )}
          <MenuItem icon={<PencilLine />} onSelect={() => props.onRename(credential)}>
            Rename
          </MenuItem>
          <MenuItem icon={<Unplug />} danger onSelect={() => props.onDisconnect(credential)}>
            Disconnect
          </MenuItem>
        </Fragment>
      ))}
    </Menu>
  );
}
