/** While the database is away nobody waits for it here: what needs it is refused, and what was going on is answered. */

import type { RouteOptions } from 'fastify';
import type { Patience } from '../store/patience.ts';
import type { App } from './app.ts';

/** Before the guard, which asks the database too. `/health` speaks for itself. */
export function refuseWhileAway(app: App, patience: Patience): void {
  app.addHook('onRequest', async ({ url }) => {
    if (needsDatabase(url)) patience.check();
  });
  app.addHook('onRoute', (route) => {
    if (needsDatabase(route.url)) route.handler = answeredAtOnce(route.handler, patience);
  });
}

function needsDatabase(url: string): boolean {
  return /^\/(api|metrics)\b/.test(url);
}

/** The work behind an answer of 503 goes on. */
function answeredAtOnce(handler: RouteOptions['handler'], patience: Patience): RouteOptions['handler'] {
  return function handle(request, reply) {
    const answer = handler.call(this, request, reply);
    if (!(answer instanceof Promise)) return answer;
    return patience.unlessAway(answer).catch((error) => {
      // A stream or a picture that has begun outlasts the absence.
      if (reply.sent || reply.raw.headersSent) return answer;
      throw error;
    });
  };
}
