import { Sandbox } from '@polydev/protocol';
import { Type } from 'typebox';
import { callerOf } from '../../auth/guard.ts';
import type { App, RouteDeps } from '../app.ts';
import { access, Items, withId } from './shapes.ts';

export function addSandboxRoutes(app: App, { services: { sandboxes } }: RouteDeps): void {
  const tags = ['sandboxes'];

  app.get(
    '/api/sandboxes',
    { ...access('read'), schema: { tags, response: { 200: Items(Sandbox) } } },
    async (request) => ({
      items: await sandboxes.list(callerOf(request)),
    }),
  );

  app.get(
    '/api/sandboxes/:id/console',
    {
      ...access('read'),
      schema: { tags, params: withId('sandbox'), produces: ['text/plain'], response: { 200: Type.String() } },
    },
    async (request, reply) => {
      const text = await sandboxes.console(callerOf(request), request.params.id);
      return await reply.type('text/plain; charset=utf-8').send(text);
    },
  );
}
