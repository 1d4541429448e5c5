/**
 * While the database is away or has no room nobody waits for it here: what needs it is refused, and what was going on is
 * answered.
 */

import type { RouteOptions } from 'fastify';
import type { Patience } from '../store/patience.ts';
import type { App } from './app.ts';

/** A request that takes this long may be waiting for a database that is away without a word. */
const doubtMs = 1_000;

/** Before the guard, which asks the database too. `/health` speaks for itself. */
export function refuseWhileAway(app: App, patience: Patience): void {
  app.addHook('onRequest', async ({ url }, reply) => {
    if (!needsDatabase(url)) return;
    patience.check();
    const doubt = setTimeout(patience.look, doubtMs).unref();
    reply.raw.once('close', () => clearTimeout(doubt));
  });
  app.addHook('onRoute', (route) => {
    const { url, handler, method } = route;
    if (needsDatabase(url)) route.handler = answeredAtOnce(handler, patience, { writes: method !== 'GET' });
  });
}

function needsDatabase(url: string): boolean {
  return /^\/(api|metrics)\b/.test(url);
}

/** The work behind an answer of 503 or 507 goes on. */
function answeredAtOnce(
  handler: RouteOptions['handler'],
  patience: Patience,
  options: { writes: boolean },
): RouteOptions['handler'] {
  return function handle(request, reply) {
    const answer = handler.call(this, request, reply);
    if (!(answer instanceof Promise)) return answer;
    return patience.unlessAway(answer, options).catch((error) => {
      // A stream or a picture that has begun outlasts the absence.
      if (reply.sent || reply.raw.headersSent) return answer;
      throw error;
    });
  };
}
