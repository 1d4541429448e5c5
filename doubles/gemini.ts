/** Stands in for Google's sign-in: accounts.google.com, oauth2.googleapis.com and what the tool asks around it. */

import { addAuthorize, html } from './authorize.ts';
import { codePage } from './consent-page.ts';
import { fieldsOf, textOf } from './fields.ts';
import { bearerOf, type Refusal, refuse } from './model.ts';
import { type Look, messagePage } from './pages.ts';
import { at, type Part } from './part.ts';
import type { TokenSet } from './tokens.ts';

export const geminiHosts = [
  'accounts.google.com',
  'oauth2.googleapis.com',
  'www.googleapis.com',
  'codeassist.google.com',
  'developers.google.com',
  'cloudcode-pa.googleapis.com',
  'generativelanguage.googleapis.com',
  'play.googleapis.com',
] as const;

const provider = 'google_gemini';
const look: Look = { product: 'Google', accent: '#2f62c9' };
const clientId = '681255809395-oo8ft2oprdrnp9e3aqf6av3hmdib135j.apps.googleusercontent.com';
const redirects = [
  /^http:\/\/(localhost|127\.0\.0\.1):\d+\/oauth2callback$/,
  /^https:\/\/codeassist\.google\.com\/authcode$/,
];

function oauthError(error: string, error_description: string, status = 400): Refusal {
  return { status, body: { error, error_description } };
}

export function addGemini(part: Part): void {
  addAuthorize(part, {
    provider,
    host: 'accounts.google.com',
    path: '/o/oauth2/v2/auth',
    clientIds: [clientId],
    redirects,
    pkce: 'optional',
    tool: 'Gemini CLI',
    asks: ['See your name and e-mail address', 'Use Google Cloud and its models for you'],
    look,
  });
  addPages(part);
  addTokenEndpoint(part);
  addTokenQuestions(part);
}

function addPages({ server }: Part): void {
  server.get('/authcode', at('codeassist.google.com'), (request, reply) => {
    const code = textOf(fieldsOf(request.query), 'code');
    const text = 'You can close this page and return to the terminal.';
    return html(reply, 200, code ? codePage(look, code) : messagePage(look, 'Not approved', text));
  });
  server.get('/gemini-code-assist/:outcome', at('developers.google.com'), (request, reply) => {
    const failed = textOf(fieldsOf(request.params), 'outcome').includes('failure');
    const title = failed ? 'The sign-in failed' : 'Gemini CLI is signed in';
    return html(reply, 200, messagePage(look, title, 'You can close this page and return to the terminal.'));
  });
}

function addTokenEndpoint({ server, state, grants }: Part): void {
  const granted = (tokens: TokenSet, withRefreshToken: boolean) => ({
    access_token: tokens.accessToken,
    expires_in: tokens.expiresInS,
    scope: tokens.scope,
    token_type: 'Bearer',
    id_token: tokens.idToken,
    ...(withRefreshToken ? { refresh_token: tokens.refreshToken } : {}),
  });

  server.post('/token', at('oauth2.googleapis.com'), (request, reply) => {
    const body = fieldsOf(request.body);
    if (textOf(body, 'client_id') !== clientId || !textOf(body, 'client_secret'))
      return refuse(reply, oauthError('invalid_client', 'The OAuth client was not found.', 401));
    switch (textOf(body, 'grant_type')) {
      case 'authorization_code': {
        const redeemed = grants.redeem(provider, {
          code: textOf(body, 'code'),
          clientId,
          redirectUri: textOf(body, 'redirect_uri'),
          codeVerifier: textOf(body, 'code_verifier'),
        });
        if (state.behaviour[provider].token === 'denied')
          return refuse(reply, oauthError('invalid_grant', 'Bad Request'));
        if (typeof redeemed === 'string') return refuse(reply, oauthError('invalid_grant', redeemed));
        return reply.send(granted(state.tokens.issue({ provider, clientId, scope: redeemed.scope }), true));
      }
      case 'refresh_token': {
        const tokens = state.tokens.refresh(provider, textOf(body, 'refresh_token'));
        if (typeof tokens === 'string')
          return refuse(reply, oauthError('invalid_grant', 'Token has been expired or revoked.'));
        return reply.send(granted(tokens, false));
      }
      default:
        return refuse(reply, oauthError('unsupported_grant_type', 'Invalid grant_type.'));
    }
  });

  server.post('/revoke', at('oauth2.googleapis.com'), (request) => {
    state.tokens.revoke(textOf(fieldsOf(request.body), 'token') || textOf(fieldsOf(request.query), 'token'));
    return {};
  });
}

function addTokenQuestions({ server, state }: Part): void {
  server.route({
    method: ['GET', 'POST'],
    url: '/tokeninfo',
    ...at('oauth2.googleapis.com'),
    handler: (request, reply) => {
      const fields = { ...fieldsOf(request.query), ...fieldsOf(request.body) };
      const token = bearerOf(request) || textOf(fields, 'access_token');
      if (state.tokens.standing(provider, token) !== 'good')
        return refuse(reply, oauthError('invalid_token', 'Invalid Value'));
      const { email, accountId } = state.accounts[provider];
      return reply.send({
        azp: clientId,
        aud: clientId,
        sub: accountId,
        email,
        email_verified: 'true',
        scope: state.tokens.scopeOf(token),
        expires_in: '3599',
      });
    },
  });

  server.get('/oauth2/v2/userinfo', at('www.googleapis.com'), (request, reply) => {
    if (state.tokens.standing(provider, bearerOf(request)) !== 'good')
      return refuse(reply, {
        status: 401,
        body: { error: { code: 401, message: 'Invalid Credentials', status: 'UNAUTHENTICATED' } },
      });
    const { name, email, accountId } = state.accounts[provider];
    return reply.send({ id: accountId, email, verified_email: true, name });
  });
}
