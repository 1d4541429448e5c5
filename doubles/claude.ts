/** Stands in for Anthropic's sign-in: claude.com, platform.claude.com and the account part of api.anthropic.com. */

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Account } from './accounts.ts';
import { addAuthorize, html } from './authorize.ts';
import { accountRefusal } from './claude-messages.ts';
import { codePage } from './consent-page.ts';
import { fieldsOf, textOf } from './fields.ts';
import { bearerOf, type Refusal, refuse } from './model.ts';
import { type Look, messagePage } from './pages.ts';
import { at, type Part } from './part.ts';
import type { TokenSet } from './tokens.ts';

export const claudeHosts = ['claude.com', 'platform.claude.com', 'api.anthropic.com'] as const;

const provider = 'claude_code';
const consumer = 'claude.com';
const platform = 'platform.claude.com';
const api = 'api.anthropic.com';
const look: Look = { product: 'Claude', accent: '#b8552f' };
const clientId = '9d1c250a-e61b-44d9-88ed-5944d1962f5e';
const pastePage = `https://${platform}/oauth/code/callback`;
const redirects = [/^http:\/\/localhost:\d+\/callback$/, new RegExp(`^${pastePage.replaceAll('.', '\\.')}$`)];
const refreshLifeS = 30 * 86_400;

function oauthError(error: string, error_description: string): Refusal {
  return { status: error === 'invalid_client' ? 401 : 400, body: { error, error_description } };
}

export function addClaude(part: Part): void {
  const rules = {
    provider,
    clientIds: [clientId],
    redirects,
    pkce: 'required',
    tool: 'Claude Code',
    asks: ['See your name, e-mail address and plan', 'Send prompts to Claude for you'],
    look,
  } as const;
  addAuthorize(part, { ...rules, host: consumer, path: '/cai/oauth/authorize', gives: /^user:/ });
  // Without user:inference the tool asks for an API key and keeps that.
  addAuthorize(part, {
    ...rules,
    host: platform,
    path: '/oauth/authorize',
    gives: /^(org:create_api_key|user:profile)$/,
  });
  addPages(part);
  addTokenEndpoint(part);
  addAccount(part);
}

function addPages({ server }: Part): void {
  server.get('/oauth/code/callback', at(platform), (request, reply) => {
    const query = fieldsOf(request.query);
    const code = textOf(query, 'code');
    if (!code) return html(reply, 200, messagePage(look, 'Not approved', 'You can close this page.'));
    return html(reply, 200, codePage(look, `${code}#${textOf(query, 'state')}`));
  });
  const done = messagePage(look, 'Claude Code is signed in', 'You can close this page and return to the terminal.');
  for (const path of ['/oauth/code/success', '/buy_credits'])
    server.get(path, at(platform), (_request, reply) => html(reply, 200, done));
  server.get('/v1/oauth/hello', at(platform), () => ({ message: 'hello' }));
}

function addTokenEndpoint({ server, state, grants }: Part): void {
  const granted = (tokens: TokenSet) => {
    const account = state.tokens.accountOf(tokens.accessToken) ?? state.accounts[provider];
    return {
      token_type: 'Bearer',
      access_token: tokens.accessToken,
      refresh_token: tokens.refreshToken,
      expires_in: tokens.expiresInS,
      refresh_token_expires_in: refreshLifeS,
      scope: tokens.scope,
      account: { uuid: account.accountId, email_address: account.email },
      organization: { uuid: account.organisationId, name: `${account.name}'s organisation` },
    };
  };

  server.post('/v1/oauth/token', at(platform), (request, reply) => {
    const body = fieldsOf(request.body);
    if (textOf(body, 'client_id') !== clientId)
      return refuse(reply, oauthError('invalid_client', 'This client is not known.'));
    switch (textOf(body, 'grant_type')) {
      case 'authorization_code': {
        const redeemed = grants.redeem(provider, {
          code: textOf(body, 'code'),
          clientId,
          redirectUri: textOf(body, 'redirect_uri'),
          state: textOf(body, 'state'),
          codeVerifier: textOf(body, 'code_verifier'),
        });
        if (state.behaviour[provider].token === 'denied')
          return refuse(reply, oauthError('invalid_grant', 'Invalid authorization code'));
        if (typeof redeemed === 'string') return refuse(reply, oauthError('invalid_grant', redeemed));
        // A long-lived token says how many seconds it wants.
        const asked = body.expires_in;
        const ttlMs = typeof asked === 'number' ? asked * 1000 : undefined;
        return reply.send(granted(state.tokens.issue({ provider, clientId, scope: redeemed.scope, ttlMs })));
      }
      case 'refresh_token': {
        const tokens = state.tokens.refresh(provider, textOf(body, 'refresh_token'));
        if (typeof tokens === 'string')
          return refuse(reply, oauthError('invalid_grant', 'Refresh token not found or invalid'));
        return reply.send(granted(tokens));
      }
      default:
        return refuse(reply, oauthError('unsupported_grant_type', 'This grant_type is not supported.'));
    }
  });

  server.post('/v1/oauth/token/revoke', at(platform), (request) => {
    state.tokens.revoke(textOf(fieldsOf(request.body), 'token'));
    return {};
  });
}

function addAccount({ server, state }: Part): void {
  const allowed = (scope: string, answer: (account: Account) => unknown) => {
    return (request: FastifyRequest, reply: FastifyReply) => {
      const bearer = bearerOf(request);
      const refusal = accountRefusal(state, bearer, scope);
      if (refusal) return refuse(reply, refusal);
      return reply.send(answer(state.tokens.accountOf(bearer) ?? state.accounts[provider]));
    };
  };

  server.get('/api/hello', at(api), () => ({ message: 'hello' }));
  server.get(
    '/api/oauth/profile',
    at(api),
    allowed('user:profile', ({ name, email, plan, accountId, organisationId }) => {
      return {
        account: {
          uuid: accountId,
          full_name: name,
          display_name: name.split(' ')[0],
          email,
          has_claude_max: plan === 'claude_max',
          has_claude_pro: plan === 'claude_pro',
        },
        organization: {
          uuid: organisationId,
          name: `${name}'s organisation`,
          organization_type: plan,
          billing_type: 'stripe_subscription',
          rate_limit_tier: 'default_claude_ai',
          has_extra_usage_enabled: false,
        },
      };
    }),
  );
  server.get(
    '/api/oauth/claude_cli/roles',
    at(api),
    allowed('user:profile', ({ name }) => ({
      organization_role: 'admin',
      workspace_role: null,
      organization_name: `${name}'s organisation`,
    })),
  );
  server.post(
    '/api/oauth/claude_cli/create_api_key',
    at(api),
    allowed('org:create_api_key', () => {
      return { raw_key: state.makeApiKey(provider) };
    }),
  );
}
