/** What a new token may do and for how long, as a person chooses it; and how a token's own are said. Pure. */

import type { ApiToken, Scope } from '@polydev/protocol';

export interface Power {
  value: string;
  name: string;
  remark: string;
  scopes: Scope[];
}

export const powers: readonly Power[] = [
  { value: 'read', name: 'Read only', remark: 'changes nothing', scopes: ['read'] },
  { value: 'run', name: 'Run prompts', remark: 'and read', scopes: ['run'] },
  { value: 'connect', name: 'Run and connect', remark: 'and manage accounts', scopes: ['run', 'connect'] },
  { value: 'admin', name: 'Everything', remark: 'tokens and password, too', scopes: ['admin'] },
];

const dayMs = 86_400_000;

export const spans = [
  { value: '7', name: 'For 7 days', days: 7 },
  { value: '30', name: 'For 30 days', days: 30 },
  { value: '90', name: 'For 90 days', days: 90 },
  { value: '365', name: 'For a year', days: 365 },
  { value: 'none', name: 'Until revoked', days: null },
] as const;

export function expiryOf(span: string, nowMs: number): number | null {
  const days = spans.find(({ value }) => value === span)?.days ?? null;
  return days === null ? null : nowMs + days * dayMs;
}

export function powerOf({ scopes }: Pick<ApiToken, 'scopes'>): string {
  const key = (list: readonly Scope[]) => list.toSorted().join(' ');
  const known = scopes.includes('admin')
    ? powers.at(-1)
    : powers.find(
        (power) => key(power.scopes) === key(scopes.length > 1 ? scopes.filter((s) => s !== 'read') : scopes),
      );
  return known?.name ?? scopes.join(', ');
}
