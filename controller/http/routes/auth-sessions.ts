import {
  AuthSession,
  isFinal,
  ListSessions,
  PolydevError,
  Sequenced,
  SessionEvent,
  StartedSession,
  StartSession,
  sessionMoves,
  Ticket,
} from '@polydev/protocol';
import { Type } from 'typebox';
import { callerOf } from '../../auth/guard.ts';
import type { App, RouteDeps } from '../app.ts';
import { EventsQuery, resumeAfter, sendEvents, untilGone } from '../sse.ts';
import { upgrade } from '../upgrade.ts';
import { access, Items, withId } from './shapes.ts';

const pageOf = (id: string) => `/dashboard/remote-cli/auth?sessionId=${id}`;

export function addAuthSessionRoutes(app: App, deps: RouteDeps): void {
  const { sessions } = deps.services;
  const tags = ['sign-in'];
  const params = withId('session');

  app.post(
    '/api/auth/start',
    { ...access('connect'), schema: { tags, body: StartSession, response: { 200: StartedSession } } },
    async (request, reply) => {
      // Who goes away while it waits for a desktop will not come for it.
      const { id, provider, expiresAtMs } = await sessions.start(callerOf(request), request.body, untilGone(reply));
      return { success: true as const, sessionId: id, provider, novncURL: pageOf(id), expiresAtMs };
    },
  );

  app.get(
    '/api/auth/sessions',
    {
      ...access('read'),
      schema: { tags, summary: 'Newest first', querystring: ListSessions, response: { 200: Items(AuthSession) } },
    },
    async (request) => ({ items: await sessions.list(callerOf(request), request.query) }),
  );

  app.get(
    '/api/auth/session/:id',
    { ...access('read'), schema: { tags, params, response: { 200: AuthSession } } },
    async (request) => sessions.get(callerOf(request), request.params.id),
  );

  app.delete(
    '/api/auth/session/:id',
    { ...access('connect'), schema: { tags, summary: 'Cancel', params, response: { 200: AuthSession } } },
    async (request) => sessions.cancel(callerOf(request), request.params.id),
  );

  app.post(
    '/api/auth/session/:id/extend',
    { ...access('connect'), schema: { tags, params, response: { 200: AuthSession } } },
    async (request) => sessions.extend(callerOf(request), request.params.id),
  );

  app.get(
    '/api/auth/session/:id/events',
    {
      ...access('read'),
      schema: {
        tags,
        params,
        querystring: EventsQuery,
        summary: 'Server-sent events: all so far, then live until the sign-in has ended',
        response: { 200: Sequenced(SessionEvent) },
      },
    },
    async (request, reply) => {
      const after = resumeAfter(request, request.query.after);
      const gone = untilGone(reply, deps.closing);
      const events = await sessions.events(callerOf(request), request.params.id, after, gone);
      return await sendEvents(reply, events);
    },
  );

  app.get(
    '/api/auth/session/:id/console',
    {
      ...access('read'),
      schema: {
        tags,
        params,
        summary: 'What its machine wrote: live, then as kept when the sign-in failed or expired; otherwise empty',
        produces: ['text/plain'],
        response: { 200: Type.String() },
      },
    },
    async (request, reply) => {
      const text = await sessions.console(callerOf(request), request.params.id);
      return await reply.type('text/plain; charset=utf-8').send(text);
    },
  );

  addPictureRoutes(app, deps);
}

/** How a browser gets to the picture: a ticket by the login, then a WebSocket by the ticket. */
function addPictureRoutes(app: App, { services: { sessions }, guard, tickets, relay }: RouteDeps): void {
  const tags = ['sign-in'];
  const params = withId('session');

  app.get('/api/auth/session/:id/novnc', { ...access('read'), schema: { tags, params } }, async (request, reply) => {
    const { id } = await sessions.get(callerOf(request), request.params.id);
    return reply.redirect(pageOf(id));
  });

  app.post(
    '/api/auth/session/:id/ticket',
    { ...access('connect'), schema: { tags, params, response: { 201: Ticket } } },
    async (request, reply) => {
      const caller = callerOf(request);
      const session = await sessions.get(caller, request.params.id);
      // Whose accounts are seen in it: nobody else, not even an owner.
      if (session.userId !== caller.id)
        throw new PolydevError('forbidden', 'Only the person who signs in opens the desktop.');
      if (isFinal(sessionMoves, session.state))
        throw new PolydevError('session_over', session.reason?.message ?? 'This sign-in has ended.');
      const binding = { sessionId: session.id, userId: caller.id, origin: request.headers.origin ?? '' };
      return await reply.code(201).send(await tickets.issue(binding));
    },
  );

  app.get(
    '/api/auth/session/:id/novnc/websock',
    {
      ...access('public'),
      schema: {
        tags,
        params,
        summary: 'The picture (RFB) over a WebSocket; offer the subprotocols `binary` and `ticket.<ticket>`',
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { origin = '', 'sec-websocket-protocol': offered } = request.headers;
      const userId = (await guard.identify(request))?.id ?? null;
      await tickets.redeem(ticketOf(offered), { sessionId: id, userId, origin });
      relay.admit(id);
      await relay.serve(await upgrade(request, reply), id);
    },
  );
}

function ticketOf(offered: string | undefined): string {
  const protocols = (offered ?? '').split(',').map((protocol) => protocol.trim());
  const ticket = protocols.find((protocol) => protocol.startsWith('ticket.'))?.slice('ticket.'.length);
  if (!ticket || !protocols.includes('binary'))
    throw new PolydevError('ticket_refused', 'Offer the subprotocols `binary` and `ticket.<ticket>`.');
  return ticket;
}
