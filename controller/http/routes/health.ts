import { Health, PolydevError } from '@polydev/protocol';
import { Type } from 'typebox';
import type { App, RouteDeps } from '../app.ts';
import { access } from './shapes.ts';

const Alive = Type.Object({ status: Type.Literal('ok') });

/** A balancer or a supervisor asks this often. */
const patienceMs = 3000;

export function addHealthRoutes(app: App, { services, pingDatabase }: RouteDeps): void {
  const databaseAnswers = async () => {
    const tooLong = new Promise<boolean>((resolve) => setTimeout(resolve, patienceMs, false).unref());
    const answered = pingDatabase().then(
      () => true,
      () => false,
    );
    return await Promise.race([answered, tooLong]);
  };

  app.get('/health', { ...access('public'), schema: { tags: ['health'], response: { 200: Alive } } }, async () => {
    if (!(await databaseAnswers())) throw new PolydevError('unavailable', 'The database does not answer.');
    return { status: 'ok' } as const;
  });

  app.get(
    '/api/auth/health',
    { ...access('read'), schema: { tags: ['health'], response: { 200: Health } } },
    async () => {
      const [database, sandboxes] = await Promise.all([databaseAnswers(), services.sandboxes.status()]);
      const ok = database && sandboxes.hostd && sandboxes.image !== null;
      return { status: ok ? ('ok' as const) : ('degraded' as const), database, ...sandboxes };
    },
  );
}
