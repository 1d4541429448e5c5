/** What a tool's card says: from the credentials in the vault and the sign-ins under way. Pure. */

import type { AuthSession, Credential, ProviderId } from '@polydev/protocol';

export type CardState =
  | { name: 'not_connected' }
  /** `accounts`: those that are there already. */
  | { name: 'signing_in'; session: AuthSession; accounts: Credential[] }
  /** `others`: further accounts of the same tool. */
  | { name: 'connected'; credential: Credential; others: Credential[] }
  | { name: 'expired'; credential: Credential; others: Credential[] };

/** `active` are sign-ins of this person that have not ended. */
export function cardStateOf(
  provider: ProviderId,
  credentials: readonly Credential[],
  active: readonly AuthSession[],
): CardState {
  const own = credentials
    .filter((candidate) => candidate.provider === provider)
    .toSorted((a, b) => rank(a) - rank(b) || b.createdAtMs - a.createdAtMs);
  const session = active.find((candidate) => candidate.provider === provider);
  if (session) return { name: 'signing_in', session, accounts: own };
  const [credential, ...others] = own;
  if (!credential) return { name: 'not_connected' };
  return { name: credential.status === 'active' ? 'connected' : 'expired', credential, others };
}

/** Every account of the tool, the one that is used first. */
export function accountsOf(state: CardState): Credential[] {
  if (state.name === 'not_connected') return [];
  return state.name === 'signing_in' ? state.accounts : [state.credential, ...state.others];
}

/** Only what waits for the person is loud: a sign-in to finish or to repeat; else the first one to make. */
export function loudOf(states: readonly CardState[]): (state: CardState) => boolean {
  const names = new Set(states.map(({ name }) => name));
  if (names.has('signing_in') || names.has('expired')) return ({ name }) => name === 'signing_in' || name === 'expired';
  if (names.has('connected')) return () => false;
  return () => true;
}

const rank = ({ status }: Credential) => (status === 'active' ? 0 : 1);

/** The label of an account that was given none. */
export const noLabel = 'default';

/** What an account is called: as its person named it, else as the tool knows it. */
export function accountName({ kind, account, label }: Credential): string {
  if (label !== noLabel) return label;
  return account.email ?? (kind === 'api_key' ? 'API key' : 'your account');
}

/** Tools give most plans as a bare word: "max" is the Max plan. What is a phrase stays as it is. */
function planName(plan: string): string {
  const name = `${plan.charAt(0).toUpperCase()}${plan.slice(1).replaceAll('_', ' ')}`;
  return plan.includes(' ') ? name : `${name} plan`;
}

/** What else is known of it, for where the name alone may not tell. */
export function accountDetail({ kind, account, label }: Credential): string {
  const parts = [label !== noLabel && account.email, account.plan && planName(account.plan)];
  if (kind === 'api_key' && label !== noLabel && label !== 'API key') parts.push('API key');
  return parts.filter(Boolean).join(', ');
}
