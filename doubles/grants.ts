/** Authorization codes: asked for, approved by a person, redeemed once with the right verifier. */

import { createHash, randomBytes } from 'node:crypto';
import type { ProviderId } from '@polydev/protocol';

export interface GrantRequest {
  provider: ProviderId;
  clientId: string;
  redirectUri: string;
  scope: string;
  state?: string;
  /** S256; absent when the tool uses no PKCE. */
  codeChallenge?: string;
}

export interface Redemption {
  code: string;
  clientId: string;
  redirectUri: string;
  state?: string;
  codeVerifier?: string;
}

export type RedemptionRefusal =
  | 'unknown code'
  | 'code used before'
  | 'code expired'
  | 'other client'
  | 'other redirect_uri'
  | 'other state'
  | 'wrong code_verifier';

const lifeMs = 10 * 60_000;

export function challengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}

export type Grants = ReturnType<typeof createGrants>;

export function createGrants(deps: { now: () => number }) {
  const asked = new Map<string, GrantRequest>();
  const codes = new Map<string, { request: GrantRequest; expiresAtMs: number; used: boolean }>();

  function judge(entry: { request: GrantRequest; expiresAtMs: number; used: boolean }, given: Redemption) {
    const { request } = entry;
    if (entry.used) return 'code used before';
    if (entry.expiresAtMs <= deps.now()) return 'code expired';
    if (request.clientId !== given.clientId) return 'other client';
    if (request.redirectUri !== given.redirectUri) return 'other redirect_uri';
    if (given.state !== undefined && request.state !== given.state) return 'other state';
    if (request.codeChallenge !== undefined && request.codeChallenge !== challengeOf(given.codeVerifier ?? ''))
      return 'wrong code_verifier';
    return undefined;
  }

  function approve(request: GrantRequest): string {
    const code = randomBytes(32).toString('base64url');
    codes.set(code, { request, expiresAtMs: deps.now() + lifeMs, used: false });
    return code;
  }

  return {
    /** Remembers the request while a person decides; the answer names it in the consent form. */
    ask(request: GrantRequest): string {
      const id = randomBytes(16).toString('hex');
      asked.set(id, request);
      return id;
    },

    /** Each request is decided once. */
    decide(id: string): GrantRequest | undefined {
      const request = asked.get(id);
      asked.delete(id);
      return request;
    },

    approve,

    redeem(provider: ProviderId, given: Redemption): GrantRequest | RedemptionRefusal {
      const entry = codes.get(given.code);
      if (!entry || entry.request.provider !== provider) return 'unknown code';
      const refusal = judge(entry, given);
      // A failed try spends the code as well.
      entry.used = true;
      return refusal ?? entry.request;
    },

    /** Every code ever given, so that tests can search for strays. */
    all: (): string[] => [...codes.keys()],
  };
}
