/** The authorize endpoint and the consent that follows it: the same for every provider but for its rules. */

import type { ProviderId } from '@polydev/protocol';
import type { FastifyReply } from 'fastify';
import { consentPage } from './consent-page.ts';
import { fieldsOf, textOf } from './fields.ts';
import type { GrantRequest } from './grants.ts';
import { type Look, messagePage } from './pages.ts';
import { at, type Part } from './part.ts';

export interface AuthorizeRules {
  provider: ProviderId;
  host: string;
  path: string;
  clientIds: readonly string[];
  redirects: readonly RegExp[];
  pkce: 'required' | 'optional';
  /** The scopes it gives; the others that the tool asks for are left out. Without it, all. */
  gives?: RegExp;
  tool: string;
  asks: readonly string[];
  look: Look;
}

const consentPath = '/consent';

export function html(reply: FastifyReply, status: number, body: string): FastifyReply {
  return reply.code(status).header('cache-control', 'no-store').type('text/html; charset=utf-8').send(body);
}

function given({ gives }: AuthorizeRules, scope: string): string {
  const scopes = scope.split(' ');
  return (gives ? scopes.filter((name) => gives.test(name)) : scopes).join(' ');
}

/** The request as a grant, or a sentence that says what is wrong with it. */
function grantOf(rules: AuthorizeRules, query: unknown): GrantRequest | string {
  const fields = fieldsOf(query);
  const codeChallenge = textOf(fields, 'code_challenge');
  const redirectUri = textOf(fields, 'redirect_uri');
  if (textOf(fields, 'response_type') !== 'code') return 'response_type must be code.';
  if (!rules.clientIds.includes(textOf(fields, 'client_id'))) return 'This client_id is not known.';
  if (!rules.redirects.some((allowed) => allowed.test(redirectUri))) return 'This redirect_uri is not allowed.';
  if (rules.pkce === 'required' && !codeChallenge) return 'code_challenge is missing.';
  if (codeChallenge && textOf(fields, 'code_challenge_method') !== 'S256') return 'code_challenge_method must be S256.';
  if (!textOf(fields, 'state')) return 'state is missing.';
  return {
    provider: rules.provider,
    clientId: textOf(fields, 'client_id'),
    redirectUri,
    scope: given(rules, textOf(fields, 'scope')),
    state: textOf(fields, 'state'),
    ...(codeChallenge ? { codeChallenge } : {}),
  };
}

export function withQuery(address: string, query: Readonly<Record<string, string | undefined>>): string {
  const url = new URL(address);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
}

/** Several authorize paths may share a host; the consent form of each goes to a path of its own. */
export function addAuthorize({ server, state, grants }: Part, rules: AuthorizeRules): void {
  const action = rules.path + consentPath;

  server.get(rules.path, at(rules.host), (request, reply) => {
    const grant = grantOf(rules, request.query);
    if (typeof grant === 'string') return html(reply, 400, messagePage(rules.look, 'This request is not valid', grant));
    const consent = consentPage({
      look: rules.look,
      account: state.accounts[rules.provider],
      tool: rules.tool,
      asks: rules.asks,
      action,
      hidden: { request: grants.ask(grant) },
    });
    return html(reply, 200, consent);
  });

  server.post(action, at(rules.host), (request, reply) => {
    const fields = fieldsOf(request.body);
    const grant = grants.decide(textOf(fields, 'request'));
    if (!grant) return html(reply, 400, messagePage(rules.look, 'Already decided', 'Start the sign-in again.'));
    const approved = textOf(fields, 'decision') === 'approve';
    const outcome = approved ? { code: grants.approve(grant) } : { error: 'access_denied' };
    return reply.redirect(withQuery(grant.redirectUri, { ...outcome, state: grant.state }), 302);
  });
}
