import { SetupRequest, SetupStatus, User } from '@polydev/protocol';
import type { App, RouteDeps } from '../app.ts';
import { access } from './shapes.ts';

export function addSetupRoutes(app: App, { setup, guard, demo }: RouteDeps): void {
  const tags = ['people'];

  app.get('/api/setup', { ...access('public'), schema: { tags, response: { 200: SetupStatus } } }, async () => ({
    needed: await setup.needed(),
    demo,
  }));

  app.post(
    '/api/setup',
    { ...access('public'), schema: { tags, body: SetupRequest, response: { 201: User } } },
    async (request, reply) => {
      const user = await setup.complete(request.body);
      await guard.admit(request, reply, user);
      return await reply.code(201).send(user);
    },
  );
}
