/** What each provider's tokens look like. */

import { randomBytes } from 'node:crypto';
import type { ProviderId } from '@polydev/protocol';
import type { Account } from './accounts.ts';
import type { SignJwt } from './jwt.ts';

type Kind = 'access' | 'refresh' | 'id';

interface Claims {
  account: Account;
  clientId: string;
  scope: string;
}

interface Times {
  issuedAtMs: number;
  expiresAtMs: number;
}

const random = (bytes: number) => randomBytes(bytes).toString('base64url');

/** An empty string where the provider has no token of that kind. */
export function mintToken(sign: SignJwt, provider: ProviderId, kind: Kind, claims: Claims, times: Times): string {
  switch (provider) {
    case 'claude_code':
      return { access: `sk-ant-oat01-${random(69)}AA`, refresh: `sk-ant-ort01-${random(69)}AA`, id: '' }[kind];
    case 'openai_codex':
      return kind === 'refresh' ? `rt_${random(45)}` : sign(codexClaims(kind, claims, times));
    case 'google_gemini':
      if (kind === 'id') return sign(googleClaims(claims, times));
      return kind === 'access' ? `ya29.a0${random(120)}` : `1//0${random(70)}`;
  }
}

function registered(issuer: string, subject: string, times: Times) {
  return {
    iss: issuer,
    sub: subject,
    iat: Math.floor(times.issuedAtMs / 1000),
    exp: Math.floor(times.expiresAtMs / 1000),
    jti: random(12),
  };
}

function codexClaims(kind: 'access' | 'id', { account, clientId, scope }: Claims, times: Times) {
  const userId = `user-${account.accountId.slice(0, 8)}`;
  const auth = {
    chatgpt_account_id: account.accountId,
    chatgpt_plan_type: account.plan,
    chatgpt_user_id: userId,
    user_id: userId,
    organizations: [{ id: account.organisationId, is_default: true, role: 'owner', title: 'Personal' }],
  };
  const common = {
    ...registered('https://auth.openai.com', `auth0|${userId}`, times),
    'https://api.openai.com/auth': auth,
  };
  if (kind === 'id')
    return { ...common, aud: [clientId], email: account.email, email_verified: true, name: account.name };
  return {
    ...common,
    aud: ['https://api.openai.com/v1'],
    client_id: clientId,
    scp: scope.split(' '),
    'https://api.openai.com/profile': { email: account.email, email_verified: true },
  };
}

function googleClaims({ account, clientId }: Claims, times: Times) {
  return {
    ...registered('https://accounts.google.com', account.accountId, times),
    azp: clientId,
    aud: clientId,
    email: account.email,
    email_verified: true,
    name: account.name,
  };
}
