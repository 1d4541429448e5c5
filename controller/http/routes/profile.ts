import { ChangePassword, ChangeProfile, Login, User } from '@polydev/protocol';
import { callerOf, loginOf } from '../../auth/guard.ts';
import type { App, RouteDeps } from '../app.ts';
import { access, Items, Nothing, withId } from './shapes.ts';

export function addProfileRoutes(app: App, { profile, logins }: RouteDeps): void {
  const tags = ['people'];

  app.patch(
    '/api/me',
    { ...access('admin'), schema: { tags, body: ChangeProfile, response: { 200: User } } },
    async (request) => profile.change(callerOf(request), request.body),
  );

  app.post(
    '/api/me/password',
    {
      ...access('admin'),
      schema: {
        tags,
        summary: 'Ends every other login; API tokens stay',
        body: ChangePassword,
        response: { 204: Nothing },
      },
    },
    async (request, reply) => {
      await profile.changePassword(callerOf(request), loginOf(request), request.body);
      return await reply.code(204).send(null);
    },
  );

  app.get(
    '/api/logins',
    { ...access('admin'), schema: { tags, summary: 'Last seen first', response: { 200: Items(Login) } } },
    async (request) => ({ items: await logins.list(callerOf(request), loginOf(request)) }),
  );

  app.delete(
    '/api/logins',
    { ...access('admin'), schema: { tags, summary: 'End all but the one that asks', response: { 204: Nothing } } },
    async (request, reply) => {
      await logins.endOthers(callerOf(request), loginOf(request));
      return await reply.code(204).send(null);
    },
  );

  app.delete(
    '/api/logins/:id',
    { ...access('admin'), schema: { tags, params: withId('login'), response: { 204: Nothing } } },
    async (request, reply) => {
      await logins.end(callerOf(request), request.params.id);
      return await reply.code(204).send(null);
    },
  );
}
