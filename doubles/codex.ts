/** Stands in for OpenAI's sign-in on auth.openai.com. */

import { addAuthorize } from './authorize.ts';
import { type Fields, fieldsOf, textOf } from './fields.ts';
import { type Refusal, refuse } from './model.ts';
import type { Look } from './pages.ts';
import { at, type Part } from './part.ts';
import type { RefreshRefusal, TokenSet } from './tokens.ts';

export const codexHosts = ['auth.openai.com', 'chatgpt.com', 'ab.chatgpt.com', 'api.openai.com'] as const;

export const codexIssuer = 'https://auth.openai.com';
export const codexLook: Look = { product: 'ChatGPT', accent: '#0f7b5f' };
export const codexAsks = ['See your name, e-mail address and plan', 'Send prompts to the model for you'];
export const codexClientId = 'app_EMoamEEZ73f0CkXaXp7hrann';

const provider = 'openai_codex';
const host = 'auth.openai.com';
const redirects = [/^http:\/\/(localhost|127\.0\.0\.1):(1455|1457)\/auth\/callback$/];
const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange';

function oauthError(code: string, message: string, status = 400): Refusal {
  return { status, body: { error: { message, type: 'invalid_request_error', param: null, code } } };
}

const refreshRefusals: Record<RefreshRefusal, Refusal> = {
  used: oauthError(
    'refresh_token_reused',
    'Your refresh token has already been used to generate a new access token. Please try signing in again.',
    401,
  ),
  unknown: oauthError('refresh_token_invalidated', 'Your refresh token has been invalidated.', 401),
  denied: oauthError('refresh_token_expired', 'Your refresh token has expired. Please try signing in again.', 401),
};

function granted(tokens: TokenSet) {
  return {
    token_type: 'Bearer',
    id_token: tokens.idToken,
    access_token: tokens.accessToken,
    refresh_token: tokens.refreshToken,
    expires_in: tokens.expiresInS,
    scope: tokens.scope,
  };
}

export function addCodex(part: Part): void {
  addAuthorize(part, {
    provider,
    host,
    path: '/oauth/authorize',
    clientIds: [codexClientId],
    redirects,
    pkce: 'required',
    tool: 'Codex',
    asks: codexAsks,
    look: codexLook,
  });
  addTokenEndpoint(part);
}

function addTokenEndpoint({ server, state, grants }: Part): void {
  function exchange(body: Fields): Refusal | TokenSet {
    const redeemed = grants.redeem(provider, {
      code: textOf(body, 'code'),
      clientId: textOf(body, 'client_id'),
      redirectUri: textOf(body, 'redirect_uri'),
      codeVerifier: textOf(body, 'code_verifier'),
    });
    if (state.behaviour[provider].token === 'denied') return oauthError('invalid_grant', 'The code was refused.');
    if (typeof redeemed === 'string') return oauthError('invalid_grant', redeemed);
    return state.tokens.issue({ provider, clientId: redeemed.clientId, scope: redeemed.scope });
  }

  function refresh(body: Fields): Refusal | TokenSet {
    const tokens = state.tokens.refresh(provider, textOf(body, 'refresh_token'));
    return typeof tokens === 'string' ? refreshRefusals[tokens] : tokens;
  }

  server.post('/oauth/token', at(host), (request, reply) => {
    const body = fieldsOf(request.body);
    if (textOf(body, 'client_id') !== codexClientId)
      return refuse(reply, oauthError('invalid_client', 'This client is not known.', 401));
    switch (textOf(body, 'grant_type')) {
      case 'authorization_code': {
        const outcome = exchange(body);
        return 'status' in outcome ? refuse(reply, outcome) : reply.send(granted(outcome));
      }
      case 'refresh_token': {
        const outcome = refresh(body);
        return 'status' in outcome ? refuse(reply, outcome) : reply.send(granted(outcome));
      }
      case tokenExchange: {
        if (!state.tokens.isIdToken(textOf(body, 'subject_token')))
          return refuse(reply, oauthError('invalid_subject_token', 'The subject token is not known.', 401));
        return reply.send({ access_token: state.makeApiKey(provider), token_type: 'Bearer' });
      }
      default:
        return refuse(reply, oauthError('unsupported_grant_type', 'This grant_type is not supported.'));
    }
  });

  server.post('/oauth/revoke', at(host), (request) => {
    state.tokens.revoke(textOf(fieldsOf(request.body), 'token'));
    return {};
  });
}
