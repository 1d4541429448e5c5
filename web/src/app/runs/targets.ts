/** What a prompt can be run with: every connected account, and the tools that are not connected yet. Pure. */

import type { Credential, CredentialId, ProviderInfo } from '@polydev/protocol';
import { accountName } from '../connections/card-state.ts';

/** In the browser's storage: the account that was used last. */
export const lastTargetKey = 'polydev.target';

export interface Target {
  provider: ProviderInfo;
  /** Null: not connected. */
  credentialId: CredentialId | null;
  /** With the account where a tool has several. */
  name: string;
  /** Why it may not work. */
  remark: string | null;
}

export function targetsOf(providers: readonly ProviderInfo[], credentials: readonly Credential[]): Target[] {
  return providers.flatMap((provider): Target[] => {
    const own = credentials.filter((candidate) => candidate.provider === provider.id);
    if (own.length === 0) return [{ provider, credentialId: null, name: provider.name, remark: 'Not connected' }];
    return own.map((credential) => ({
      provider,
      credentialId: credential.id,
      name: own.length > 1 ? `${provider.name}, ${accountName(credential)}` : provider.name,
      remark: credential.status === 'expired' ? 'Sign in again' : null,
    }));
  });
}

/** The account or tool that was asked for, if it is connected; else the first that works. */
export function chooseTarget(targets: readonly Target[], asked: string | null): Target | undefined {
  const connected = targets.filter(({ credentialId }) => credentialId !== null);
  return (
    connected.find(({ credentialId }) => credentialId === asked) ??
    connected.find(({ provider, remark }) => provider.id === asked && remark === null) ??
    connected.find(({ provider }) => provider.id === asked) ??
    connected.find(({ remark }) => remark === null) ??
    connected[0]
  );
}
