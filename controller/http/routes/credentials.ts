import { AccountUsage, AddApiKey, AskUsage, Credential, ListCredentials, RenameCredential } from '@polydev/protocol';
import { callerOf } from '../../auth/guard.ts';
import type { App, RouteDeps } from '../app.ts';
import { untilGone } from '../sse.ts';
import { access, Items, Nothing, withId } from './shapes.ts';

export function addCredentialRoutes(app: App, { services: { credentials, usage } }: RouteDeps): void {
  const tags = ['credentials'];
  const params = withId('credential');

  app.get(
    '/api/credentials',
    { ...access('read'), schema: { tags, querystring: ListCredentials, response: { 200: Items(Credential) } } },
    async (request) => ({ items: await credentials.list(callerOf(request), request.query) }),
  );

  app.post(
    '/api/credentials',
    {
      ...access('connect'),
      schema: { tags, summary: 'Add an API key', body: AddApiKey, response: { 201: Credential } },
    },
    async (request, reply) => {
      const added = await credentials.addApiKey(callerOf(request), request.body, untilGone(reply));
      return await reply.code(201).send(added);
    },
  );

  app.get(
    '/api/credentials/:id',
    { ...access('read'), schema: { tags, params, response: { 200: Credential } } },
    async (request) => credentials.get(callerOf(request), request.params.id),
  );

  app.patch(
    '/api/credentials/:id',
    {
      ...access('connect'),
      schema: { tags, summary: 'Give it another label', params, body: RenameCredential, response: { 200: Credential } },
    },
    async (request) => credentials.rename(callerOf(request), request.params.id, request.body.label),
  );

  app.delete(
    '/api/credentials/:id',
    { ...access('connect'), schema: { tags, params, response: { 204: Nothing } } },
    async (request, reply) => {
      await credentials.remove(callerOf(request), request.params.id);
      return await reply.code(204).send(null);
    },
  );

  app.post(
    '/api/credentials/:id/test',
    {
      ...access('connect'),
      schema: { tags, summary: 'Prove it by a tiny real run', params, response: { 200: Credential } },
    },
    async (request) => credentials.test(callerOf(request), request.params.id),
  );

  app.get(
    '/api/credentials/:id/usage',
    {
      ...access('read'),
      schema: { tags, summary: 'The last seven days', params, querystring: AskUsage, response: { 200: AccountUsage } },
    },
    async (request) => usage.of(callerOf(request), request.params.id, request.query),
  );

  app.get(
    '/api/usage',
    {
      ...access('read'),
      schema: {
        tags,
        summary: 'The last seven days of every account that was used in them',
        querystring: AskUsage,
        response: { 200: Items(AccountUsage) },
      },
    },
    async (request) => ({ items: await usage.list(callerOf(request), request.query) }),
  );
}
