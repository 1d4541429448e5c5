/** What a tool's card says: from the credentials in the vault and the sign-ins under way. Pure. */

import type { AuthSession, Credential, ProviderId } from '@polydev/protocol';

export type CardState =
  | { name: 'not_connected' }
  | { name: 'signing_in'; session: AuthSession }
  /** `others`: further accounts of the same tool. */
  | { name: 'connected'; credential: Credential; others: Credential[] }
  | { name: 'expired'; credential: Credential; others: Credential[] };

/** `active` are sign-ins of this person that have not ended. */
export function cardStateOf(
  provider: ProviderId,
  credentials: readonly Credential[],
  active: readonly AuthSession[],
): CardState {
  const session = active.find((candidate) => candidate.provider === provider);
  if (session) return { name: 'signing_in', session };
  const own = credentials
    .filter((candidate) => candidate.provider === provider)
    .toSorted((a, b) => rank(a) - rank(b) || b.createdAtMs - a.createdAtMs);
  const [credential, ...others] = own;
  if (!credential) return { name: 'not_connected' };
  return { name: credential.status === 'active' ? 'connected' : 'expired', credential, others };
}

/** Only what waits for the person is loud: a sign-in to finish or to repeat; else the first one to make. */
export function loudOf(states: readonly CardState[]): (state: CardState) => boolean {
  const names = new Set(states.map(({ name }) => name));
  if (names.has('signing_in') || names.has('expired')) return ({ name }) => name === 'signing_in' || name === 'expired';
  if (names.has('connected')) return () => false;
  return () => true;
}

const rank = ({ status }: Credential) => (status === 'active' ? 0 : 1);

/** Who a credential belongs to, as its card says it. */
export function accountName({ kind, account, label }: Credential): string {
  if (account.email) return account.email;
  if (kind === 'api_key') return 'API key';
  return label === 'default' ? 'your account' : label;
}
