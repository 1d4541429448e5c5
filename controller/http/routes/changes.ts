import { ListChange, limits, Sequenced } from '@polydev/protocol';
import { callerOf } from '../../auth/guard.ts';
import type { App, RouteDeps } from '../app.ts';
import { EventsQuery, resumeAfter, sendEvents, untilGone } from '../sse.ts';
import { access } from './shapes.ts';

export function addChangeRoutes(app: App, { services: { changes }, closing }: RouteDeps): void {
  app.get(
    '/api/changes',
    {
      ...access('read'),
      schema: {
        tags: ['changes'],
        querystring: EventsQuery,
        summary: 'Server-sent events: which of your lists to read again; first `all`, then live, for ten minutes',
        response: { 200: Sequenced(ListChange) },
      },
    },
    async (request, reply) => {
      const after = resumeAfter(request, request.query.after);
      // Who comes again is looked at anew.
      const over = AbortSignal.any([untilGone(reply, closing), AbortSignal.timeout(limits.changesMs)]);
      const events = await changes.follow(callerOf(request), after, over);
      return await sendEvents(reply, events);
    },
  );
}
