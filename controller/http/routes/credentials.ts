import { AddApiKey, Credential } from '@polydev/protocol';
import { callerOf } from '../../auth/guard.ts';
import type { App, RouteDeps } from '../app.ts';
import { Items, Nothing, withId } from './shapes.ts';

export function addCredentialRoutes(app: App, { services: { credentials } }: RouteDeps): void {
  const tags = ['credentials'];
  const params = withId('credential');

  app.get('/api/credentials', { schema: { tags, response: { 200: Items(Credential) } } }, async (request) => ({
    items: await credentials.list(callerOf(request)),
  }));

  app.post(
    '/api/credentials',
    { schema: { tags, summary: 'Add an API key', body: AddApiKey, response: { 201: Credential } } },
    async (request, reply) => reply.code(201).send(await credentials.addApiKey(callerOf(request), request.body)),
  );

  app.delete(
    '/api/credentials/:id',
    { schema: { tags, params, response: { 204: Nothing } } },
    async (request, reply) => {
      await credentials.remove(callerOf(request), request.params.id);
      return await reply.code(204).send(null);
    },
  );

  app.post(
    '/api/credentials/:id/test',
    { schema: { tags, summary: 'Prove it by a tiny real run', params, response: { 200: Credential } } },
    async (request) => credentials.test(callerOf(request), request.params.id),
  );
}
