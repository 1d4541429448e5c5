import { Sandbox, SandboxEvent, SandboxLogs, SandboxOrOwnerId, Sequenced } from '@polydev/protocol';
import { Type } from 'typebox';
import { callerOf } from '../../auth/guard.ts';
import type { App, RouteDeps } from '../app.ts';
import { EventsQuery, resumeAfter, sendEvents, untilGone } from '../sse.ts';
import { access, Items, withId } from './shapes.ts';

export function addSandboxRoutes(app: App, { services: { sandboxes }, closing }: RouteDeps): void {
  const tags = ['sandboxes'];
  const params = withId('sandbox');

  app.get(
    '/api/sandboxes',
    { ...access('read'), schema: { tags, response: { 200: Items(Sandbox) } } },
    async (request) => ({
      items: await sandboxes.list(callerOf(request)),
    }),
  );

  app.get(
    '/api/sandboxes/:id',
    { ...access('read'), schema: { tags, params, response: { 200: Sandbox } } },
    async (request) => sandboxes.get(callerOf(request), request.params.id),
  );

  app.get(
    '/api/sandboxes/:id/events',
    {
      ...access('read'),
      schema: {
        tags,
        params,
        querystring: EventsQuery,
        summary: 'Server-sent events: every change of its state so far, then live until it is gone',
        response: { 200: Sequenced(SandboxEvent) },
      },
    },
    async (request, reply) => {
      const after = resumeAfter(request, request.query.after);
      const events = await sandboxes.events(callerOf(request), request.params.id, after, untilGone(reply, closing));
      return await sendEvents(reply, events);
    },
  );

  app.get(
    '/api/sandboxes/:id/console',
    {
      ...access('read'),
      schema: { tags, params, produces: ['text/plain'], response: { 200: Type.String() } },
    },
    async (request, reply) => {
      const text = await sandboxes.console(callerOf(request), request.params.id);
      return await reply.type('text/plain; charset=utf-8').send(text);
    },
  );

  const named = Type.Object({ id: SandboxOrOwnerId });
  const either = 'by its id or that of its sign-in or run; live, or as kept when that ended badly';

  app.get(
    '/api/sandboxes/:id/logs',
    {
      ...access('read'),
      schema: { tags, params: named, summary: `What is known of a sandbox, ${either}`, response: { 200: SandboxLogs } },
    },
    async (request) => sandboxes.logs(callerOf(request), request.params.id),
  );

  app.get(
    '/api/sandboxes/:id/screenshot',
    {
      // As the desktop itself.
      ...access('connect'),
      schema: {
        tags,
        params: named,
        summary: `The picture of its desktop, ${either}; for the person who signs in there alone`,
        produces: ['image/png'],
        response: { 200: Type.Unsafe<Buffer>(Type.String({ contentEncoding: 'binary' })) },
      },
    },
    async (request, reply) => {
      const png = await sandboxes.screenshot(callerOf(request), request.params.id);
      return await reply.type('image/png').header('cache-control', 'no-store').send(png);
    },
  );
}
