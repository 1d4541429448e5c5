import { SetupRequest, SetupStatus, User } from '@polydev/protocol';
import type { App, RouteDeps } from '../app.ts';

export function addSetupRoutes(app: App, { setup, guard, demo }: RouteDeps): void {
  const common = { tags: ['people'], security: [] };

  app.get(
    '/api/setup',
    { config: { access: 'public' }, schema: { ...common, response: { 200: SetupStatus } } },
    async () => ({ needed: await setup.needed(), demo }),
  );

  app.post(
    '/api/setup',
    { config: { access: 'public' }, schema: { ...common, body: SetupRequest, response: { 201: User } } },
    async (request, reply) => {
      const user = await setup.complete(request.body);
      await guard.admit(request, reply, user);
      return await reply.code(201).send(user);
    },
  );
}
