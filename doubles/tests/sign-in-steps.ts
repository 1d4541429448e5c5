/** The steps of each provider's sign-in, as its tool takes them. */

import { createHash, randomBytes } from 'node:crypto';
import { withQuery } from '../authorize.ts';
import type { Page, Visitor } from './visitor.ts';

export interface SignIn {
  name: string;
  provider: 'claude_code' | 'openai_codex' | 'google_gemini';
  authorize: string;
  token: string;
  clientId: string;
  redirectUri: string;
  otherRedirectUri: string;
  scope: string;
  pkce: boolean;
  sends: 'json' | 'form';
}

export const signIns: readonly SignIn[] = [
  {
    name: 'Claude',
    provider: 'claude_code',
    authorize: 'https://claude.com/cai/oauth/authorize',
    token: 'https://platform.claude.com/v1/oauth/token',
    clientId: '9d1c250a-e61b-44d9-88ed-5944d1962f5e',
    redirectUri: 'http://localhost:40123/callback',
    otherRedirectUri: 'http://localhost:40124/callback',
    scope: 'org:create_api_key user:profile user:inference',
    pkce: true,
    sends: 'json',
  },
  {
    name: 'Codex',
    provider: 'openai_codex',
    authorize: 'https://auth.openai.com/oauth/authorize',
    token: 'https://auth.openai.com/oauth/token',
    clientId: 'app_EMoamEEZ73f0CkXaXp7hrann',
    redirectUri: 'http://127.0.0.1:1455/auth/callback',
    otherRedirectUri: 'http://127.0.0.1:1457/auth/callback',
    scope: 'openid profile email offline_access',
    pkce: true,
    sends: 'form',
  },
  {
    name: 'Gemini',
    provider: 'google_gemini',
    authorize: 'https://accounts.google.com/o/oauth2/v2/auth',
    token: 'https://oauth2.googleapis.com/token',
    clientId: '681255809395-oo8ft2oprdrnp9e3aqf6av3hmdib135j.apps.googleusercontent.com',
    redirectUri: 'http://127.0.0.1:40123/oauth2callback',
    otherRedirectUri: 'http://127.0.0.1:40124/oauth2callback',
    scope: 'https://www.googleapis.com/auth/cloud-platform',
    pkce: false,
    sends: 'form',
  },
];

export interface Started {
  state: string;
  verifier: string;
  address: string;
}

export function startSignIn(signIn: SignIn, changed: Record<string, string | undefined> = {}): Started {
  const state = randomBytes(16).toString('hex');
  const verifier = randomBytes(32).toString('base64url');
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const address = withQuery(signIn.authorize, {
    response_type: 'code',
    client_id: signIn.clientId,
    redirect_uri: signIn.redirectUri,
    scope: signIn.scope,
    state,
    ...(signIn.pkce ? { code_challenge: challenge, code_challenge_method: 'S256' } : {}),
    ...changed,
  });
  return { state, verifier, address };
}

/** Decides on the consent page and returns the query that the tool's callback would get. */
export async function decide(
  visitor: Visitor,
  address: string,
  decision: 'approve' | 'deny',
): Promise<URLSearchParams> {
  const answer = await visitor.submit(await visitor.ask(address), { decision });
  return new URL(answer.headers.location ?? '').searchParams;
}

export function askForTokens(visitor: Visitor, signIn: SignIn, fields: Record<string, string>): Promise<Page> {
  const all = {
    client_id: signIn.clientId,
    ...(signIn.provider === 'google_gemini' ? { client_secret: 'any' } : {}),
    ...fields,
  };
  return signIn.sends === 'json' ? visitor.postJson(signIn.token, all) : visitor.post(signIn.token, all);
}

export function redeem(
  visitor: Visitor,
  signIn: SignIn,
  started: Started,
  code: string,
  changed: Record<string, string> = {},
): Promise<Page> {
  return askForTokens(visitor, signIn, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: signIn.redirectUri,
    ...(signIn.pkce ? { code_verifier: started.verifier } : {}),
    ...(signIn.provider === 'claude_code' ? { state: started.state } : {}),
    ...changed,
  });
}

export function refresh(visitor: Visitor, signIn: SignIn, refreshToken: string): Promise<Page> {
  return askForTokens(visitor, signIn, { grant_type: 'refresh_token', refresh_token: refreshToken });
}
