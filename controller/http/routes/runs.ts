import { ListRuns, limits, Run, RunStreamEvent, Sequenced, StartRun } from '@polydev/protocol';
import { callerOf } from '../../auth/guard.ts';
import type { App, RouteDeps } from '../app.ts';
import { sendOverSocket } from '../socket-events.ts';
import { EventsQuery, resumeAfter, sendEvents, untilGone } from '../sse.ts';
import { upgrade } from '../upgrade.ts';
import { access, Items, Nothing, withId } from './shapes.ts';

/** A prompt of the longest kind: three bytes a character in UTF-8, or two where JSON escapes it. */
const promptBodyBytes = 3 * limits.promptChars + 64 * 1024;

export function addRunRoutes(app: App, { services: { runs }, closing }: RouteDeps): void {
  const tags = ['runs'];
  const params = withId('run');

  app.post(
    '/api/runs',
    { ...access('run'), bodyLimit: promptBodyBytes, schema: { tags, body: StartRun, response: { 201: Run } } },
    async (request, reply) => {
      const run = await runs.start(callerOf(request), request.body, untilGone(reply));
      return await reply.code(201).send(run);
    },
  );

  app.get(
    '/api/runs',
    {
      ...access('read'),
      schema: { tags, summary: 'Newest first', querystring: ListRuns, response: { 200: Items(Run) } },
    },
    async (request) => ({ items: await runs.list(callerOf(request), request.query) }),
  );

  app.get('/api/runs/:id', { ...access('read'), schema: { tags, params, response: { 200: Run } } }, async (request) =>
    runs.get(callerOf(request), request.params.id),
  );

  app.delete(
    '/api/runs/:id',
    { ...access('run'), schema: { tags, params, response: { 204: Nothing } } },
    async (request, reply) => {
      await runs.remove(callerOf(request), request.params.id);
      return await reply.code(204).send(null);
    },
  );

  app.post(
    '/api/runs/:id/cancel',
    { ...access('run'), schema: { tags, params, response: { 200: Run } } },
    async (request) => runs.cancel(callerOf(request), request.params.id),
  );

  app.get(
    '/api/runs/:id/events',
    {
      ...access('read'),
      schema: {
        tags,
        params,
        querystring: EventsQuery,
        summary: 'Server-sent events: all so far, then live until the run has ended',
        response: { 200: Sequenced(RunStreamEvent) },
      },
    },
    async (request, reply) => {
      const after = resumeAfter(request, request.query.after);
      const events = await runs.events(callerOf(request), request.params.id, after, untilGone(reply, closing));
      return await sendEvents(reply, events);
    },
  );

  app.get(
    '/api/runs/:id/stream',
    {
      ...access('read'),
      schema: {
        tags,
        params,
        querystring: EventsQuery,
        summary: 'The same events over a WebSocket, one JSON text each',
      },
    },
    async (request, reply) => {
      const stop = new AbortController();
      const signal = AbortSignal.any([stop.signal, closing]);
      const events = await runs.events(callerOf(request), request.params.id, request.query.after ?? 0, signal);
      const socket = await upgrade(request, reply);
      await sendOverSocket(socket, events, stop);
    },
  );
}
