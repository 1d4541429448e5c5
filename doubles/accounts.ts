/** Whose accounts the doubles pretend to hold: one person per provider. */

import { type ProviderId, providerIds } from '@polydev/protocol';

export interface Account {
  name: string;
  email: string;
  /** The provider's own name for the subscription. */
  plan: string;
  /** Fixed ids, so that signing in twice is the same account. */
  accountId: string;
  organisationId: string;
}

export type Accounts = Record<ProviderId, Account>;
export type AccountOverrides = Partial<Record<ProviderId, Partial<Account>>>;

const usual: Accounts = {
  claude_code: {
    name: 'Clara Lindqvist',
    email: 'clara@example.com',
    plan: 'claude_pro',
    accountId: '5d1f8c1e-0c57-4f3e-9a44-0a6f3f0d1c01',
    organisationId: '5d1f8c1e-0c57-4f3e-9a44-0a6f3f0d1c02',
  },
  openai_codex: {
    name: 'Otto Brandt',
    email: 'otto@example.com',
    plan: 'plus',
    accountId: '7be0a9d2-6f0e-4b4d-8a55-2c1d9e7f2c01',
    organisationId: 'org-2c1d9e7f2c02',
  },
  google_gemini: {
    name: 'Gaia Moretti',
    email: 'gaia@example.com',
    plan: 'standard-tier',
    accountId: '104729358174650927311',
    organisationId: 'polydev-double',
  },
};

export function createAccounts(overrides: AccountOverrides = {}): Accounts {
  return Object.fromEntries(
    providerIds.map((provider) => [provider, { ...usual[provider], ...overrides[provider] }]),
  ) as Accounts;
}
