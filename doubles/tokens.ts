/** Issues access and refresh tokens, rotates them as each provider does, and remembers every one. */

import type { ProviderId } from '@polydev/protocol';
import type { Account, Accounts } from './accounts.ts';
import type { BehaviourTable } from './behaviour.ts';
import type { SignJwt } from './jwt.ts';
import type { Memory } from './memory.ts';
import { mintToken } from './token-shapes.ts';

export interface TokenSet {
  accessToken: string;
  refreshToken: string;
  /** Codex and Gemini only. */
  idToken?: string;
  scope: string;
  /** Seconds; 0 or less for a token born expired. */
  expiresInS: number;
}

export type RefreshRefusal = 'unknown' | 'used' | 'denied';
export type TokenStanding = 'good' | 'expired' | 'unknown';

export interface TokenRequest {
  provider: ProviderId;
  clientId: string;
  scope: string;
  /** Instead of the behaviour table's. */
  ttlMs?: number;
  /** Whose they are; by default of the account that the provider knows now. */
  account?: Account;
}

interface Usable {
  provider: ProviderId;
  account: Account;
  scope: string;
  expiresAtMs: number;
}

interface Refreshable {
  request: TokenRequest;
  used: boolean;
}

interface Kept {
  access: [string, Usable][];
  refresh: [string, Refreshable][];
}

/** Claude and Codex give a new refresh token at every use; Google keeps the old one. */
const rotates: Record<ProviderId, boolean> = { claude_code: true, openai_codex: true, google_gemini: false };

export type Tokens = ReturnType<typeof createTokens>;

export function createTokens(deps: {
  now: () => number;
  sign: SignJwt;
  accounts: Accounts;
  behaviour: BehaviourTable;
  memory: Memory;
}) {
  const kept = deps.memory.recall<Kept>('tokens');
  const access = new Map<string, Usable>(kept?.access);
  const refresh = new Map<string, Refreshable>(kept?.refresh);
  const idTokens = new Set<string>();
  const revoked: string[] = [];

  const keep = () => deps.memory.keep('tokens', { access: [...access], refresh: [...refresh] } satisfies Kept);

  function issue(request: TokenRequest, keptRefreshToken?: string): TokenSet {
    const { provider, account = deps.accounts[provider] } = request;
    const nowMs = deps.now();
    const ttlMs = request.ttlMs ?? deps.behaviour[provider].accessTtlMs;
    const claims = { account, clientId: request.clientId, scope: request.scope };
    const times = { issuedAtMs: nowMs, expiresAtMs: nowMs + ttlMs };
    const accessToken = mintToken(deps.sign, provider, 'access', claims, times);
    const idToken = mintToken(deps.sign, provider, 'id', claims, times);
    const refreshToken = keptRefreshToken ?? mintToken(deps.sign, provider, 'refresh', claims, times);
    access.set(accessToken, { provider, account, scope: request.scope, expiresAtMs: times.expiresAtMs });
    refresh.set(refreshToken, { request: { ...request, account, ttlMs: undefined }, used: false });
    if (idToken) idTokens.add(idToken);
    keep();
    return {
      accessToken,
      refreshToken,
      ...(idToken ? { idToken } : {}),
      scope: request.scope,
      expiresInS: Math.floor(ttlMs / 1000),
    };
  }

  return {
    issue: (request: TokenRequest): TokenSet => issue(request),

    refresh(provider: ProviderId, refreshToken: string): TokenSet | RefreshRefusal {
      const found = refresh.get(refreshToken);
      const { token } = deps.behaviour[provider];
      if (token === 'denied') return 'denied';
      if (!found || found.request.provider !== provider) return 'unknown';
      if (token === 'rotated') found.used = true;
      if (found.used) return 'used';
      found.used = rotates[provider];
      return issue(found.request, rotates[provider] ? undefined : refreshToken);
    },

    standing(provider: ProviderId, accessToken: string): TokenStanding {
      const found = access.get(accessToken);
      if (found?.provider !== provider) return 'unknown';
      return found.expiresAtMs > deps.now() ? 'good' : 'expired';
    },

    accountOf: (accessToken: string): Account | undefined => access.get(accessToken)?.account,

    scopeOf: (accessToken: string): string => access.get(accessToken)?.scope ?? '',

    isIdToken: (token: string): boolean => idTokens.has(token),

    /** Every access token of the provider is refused from now on, as if its time were over. */
    expireAccess(provider: ProviderId): void {
      for (const entry of access.values()) if (entry.provider === provider) entry.expiresAtMs = 0;
      keep();
    },

    revoke(token: string): void {
      revoked.push(token);
      access.delete(token);
      refresh.delete(token);
      keep();
    },

    /** Tokens that a tool asked to revoke, oldest first. Polydev must never cause one. */
    revoked: revoked as readonly string[],

    /** Every token ever issued, so that tests can search for strays. */
    all: (): string[] => [...access.keys(), ...refresh.keys(), ...idTokens, ...revoked],
  };
}
