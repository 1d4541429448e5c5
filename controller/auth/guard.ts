/**
 * Who is asking and whether he may, decided before anything else of a request is read. Default deny: every route says
 * `public` or the scope that it needs, or the server does not start; a path that is no route at all needs a login
 * cookie or an API token, too.
 */

import cookie from '@fastify/cookie';
import { allows, type Login, PolydevError, type Scope, type User } from '@polydev/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import type { ApiTokens } from './api-tokens.ts';
import { loginCookie } from './cookie.ts';
import type { Logins } from './logins.ts';
import { fromWhere, wrongOrigin } from './origin.ts';
import { shortAgent } from './user-agent.ts';

/** Whom a route is for: anyone, or who comes with this scope. */
export type Access = 'public' | Scope;

interface Caller {
  user: User;
  scopes: readonly Scope[];
  /** The browser login; null for an API token. */
  loginId: Login['id'] | null;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    caller: Caller | null;
  }
}

export interface GuardDeps {
  logins: Logins;
  apiTokens: ApiTokens;
  publicUrl: string | null;
}

export interface Guard {
  /** For public routes: who comes with a cookie or a token; null for a stranger. */
  identify(request: FastifyRequest): Promise<User | null>;
  /** Gives the browser its login cookie. */
  admit(request: FastifyRequest, reply: FastifyReply, user: User): Promise<void>;
  /** Ends the login that the request came with, if it came with one. */
  dismiss(request: FastifyRequest, reply: FastifyReply): Promise<void>;
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);
/** A browser login may do all that its user may. */
const scopesOfLogin: readonly Scope[] = ['admin'];

export async function addGuard(app: FastifyInstance, { logins, apiTokens, publicUrl }: GuardDeps): Promise<Guard> {
  await app.register(cookie);
  app.decorateRequest('caller', null);

  const cookieOf = (request: FastifyRequest) => {
    const secure = request.protocol === 'https' || (publicUrl?.startsWith('https:') ?? false);
    return loginCookie(secure, request.port ?? 80);
  };

  const bearerOf = (request: FastifyRequest) => /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];

  async function callerOfRequest(request: FastifyRequest): Promise<Caller | null> {
    const bearer = bearerOf(request);
    if (bearer !== undefined) {
      const found = await apiTokens.find(bearer);
      return found && { ...found, loginId: null };
    }
    const secret = request.cookies[cookieOf(request).name];
    const found = secret === undefined ? null : await logins.find(secret);
    return found && { ...found, scopes: scopesOfLogin };
  }

  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route) => void routes.push(route));
  // Not before: a plugin's routes get their access from the scope that they are registered in.
  app.addHook('onReady', async () => {
    for (const { method, url, config } of routes)
      if (!config?.access) throw new Error(`${method} ${url} does not say whom it is for.`);
  });

  app.addHook('onRequest', async (request) => {
    const { headers } = request;
    const from = fromWhere(
      { origin: headers.origin, fetchSite: one(headers['sec-fetch-site']), host: request.host },
      publicUrl,
    );
    // A WebSocket is a GET by name only: what it may do stands open until it closes.
    const changes = !safeMethods.has(request.method) || headers.upgrade !== undefined;
    if (changes && from === 'foreign') throw wrongOrigin();
    const { access } = request.routeOptions.config;
    if (access === 'public') return;

    request.caller = await callerOfRequest(request);
    const byCookie = request.caller !== null && bearerOf(request) === undefined;
    if (byCookie && changes && from !== 'own') throw wrongOrigin();
    if (!request.caller) throw new PolydevError('not_signed_in', 'You are not signed in.');
    if (request.is404) return;
    if (!access || !allows(request.caller.scopes, access))
      throw new PolydevError('scope_missing', `This API token has no scope \`${access}\`.`);
  });

  return {
    identify: async (request) => (await callerOfRequest(request))?.user ?? null,
    async admit(request, reply, user) {
      const { name, options } = cookieOf(request);
      reply.setCookie(name, await logins.open(user, shortAgent(request.headers['user-agent'])), options);
    },
    async dismiss(request, reply) {
      const { name, options } = cookieOf(request);
      const secret = request.cookies[name];
      if (secret !== undefined) await logins.logout(secret);
      reply.clearCookie(name, options);
    },
  };
}

/** The caller of a route that is not public. */
export function callerOf(request: FastifyRequest): User {
  return knownCaller(request).user;
}

/** The browser login that a route that is not public was called with; null when it was an API token. */
export function loginOf(request: FastifyRequest): Login['id'] | null {
  return knownCaller(request).loginId;
}

function knownCaller(request: FastifyRequest): Caller {
  if (!request.caller) throw new PolydevError('not_signed_in', 'You are not signed in.');
  return request.caller;
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
