import { LoginRequest, User } from '@polydev/protocol';
import { callerOf } from '../../auth/guard.ts';
import type { App, RouteDeps } from '../app.ts';
import { access, Nothing } from './shapes.ts';

export function addLoginRoutes(app: App, { logins, guard }: RouteDeps): void {
  const tags = ['people'];

  app.post(
    '/api/login',
    { ...access('public'), schema: { tags, body: LoginRequest, response: { 200: User } } },
    async (request, reply) => {
      const user = await logins.check(request.body, request.ip);
      await guard.admit(request, reply, user);
      return user;
    },
  );

  app.post(
    '/api/logout',
    { ...access('read'), schema: { tags, response: { 204: Nothing } } },
    async (request, reply) => {
      await guard.dismiss(request, reply);
      return await reply.code(204).send(null);
    },
  );

  app.get('/api/me', { ...access('read'), schema: { tags, response: { 200: User } } }, async (request) =>
    callerOf(request),
  );
}
