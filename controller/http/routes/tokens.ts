import { ApiToken, CreateApiToken, CreatedApiToken } from '@polydev/protocol';
import { callerOf } from '../../auth/guard.ts';
import type { App, RouteDeps } from '../app.ts';
import { access, Items, Nothing, withId } from './shapes.ts';

export function addTokenRoutes(app: App, { apiTokens }: RouteDeps): void {
  const tags = ['people'];

  app.get(
    '/api/tokens',
    { ...access('admin'), schema: { tags, response: { 200: Items(ApiToken) } } },
    async (request) => ({
      items: await apiTokens.list(callerOf(request)),
    }),
  );

  app.post(
    '/api/tokens',
    { ...access('admin'), schema: { tags, body: CreateApiToken, response: { 201: CreatedApiToken } } },
    async (request, reply) => reply.code(201).send(await apiTokens.create(callerOf(request), request.body)),
  );

  app.delete(
    '/api/tokens/:id',
    { ...access('admin'), schema: { tags, params: withId('token'), response: { 204: Nothing } } },
    async (request, reply) => {
      await apiTokens.revoke(callerOf(request), request.params.id);
      return await reply.code(204).send(null);
    },
  );
}
