/**
 * Who is asking, decided before anything else of a request is read. Default deny: a route that does not say
 * `access: 'public'` needs a login cookie or an API token, and so does a path that is no route at all.
 */

import cookie from '@fastify/cookie';
import { PolydevError, type User } from '@polydev/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ApiTokens } from './api-tokens.ts';
import { loginCookie } from './cookie.ts';
import type { Logins } from './logins.ts';
import { fromWhere, wrongOrigin } from './origin.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: 'public';
  }
  interface FastifyRequest {
    caller: User | null;
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

export async function addGuard(app: FastifyInstance, { logins, apiTokens, publicUrl }: GuardDeps): Promise<Guard> {
  await app.register(cookie);
  app.decorateRequest('caller', null);

  const cookieOf = (request: FastifyRequest) => {
    const secure = request.protocol === 'https' || (publicUrl?.startsWith('https:') ?? false);
    return loginCookie(secure, request.port ?? 80);
  };

  const bearerOf = (request: FastifyRequest) => /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];

  async function identify(request: FastifyRequest): Promise<User | null> {
    const bearer = bearerOf(request);
    if (bearer !== undefined) return await apiTokens.find(bearer);
    const secret = request.cookies[cookieOf(request).name];
    return secret === undefined ? null : await logins.find(secret);
  }

  app.addHook('onRequest', async (request) => {
    const { headers } = request;
    const from = fromWhere(
      { origin: headers.origin, fetchSite: one(headers['sec-fetch-site']), host: request.host },
      publicUrl,
    );
    // A WebSocket is a GET by name only: what it may do stands open until it closes.
    const changes = !safeMethods.has(request.method) || headers.upgrade !== undefined;
    if (changes && from === 'foreign') throw wrongOrigin();
    if (request.routeOptions.config.access === 'public') return;

    request.caller = await identify(request);
    const byCookie = request.caller !== null && bearerOf(request) === undefined;
    if (byCookie && changes && from !== 'own') throw wrongOrigin();
    if (!request.caller) throw new PolydevError('not_signed_in', 'You are not signed in.');
  });

  return {
    identify,
    async admit(request, reply, user) {
      const { name, options } = cookieOf(request);
      reply.setCookie(name, await logins.open(user), options);
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
  if (!request.caller) throw new PolydevError('not_signed_in', 'You are not signed in.');
  return request.caller;
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
