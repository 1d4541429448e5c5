/**
 * The HTTP frame. The order matters: limits, then who is asking, then routes.
 *
 *   /health                                     is it alive; public
 *   /                  /dashboard/* /login …    the dashboard; public, holds nothing
 *   /api/setup         /api/login  /api/logout  /api/me  /api/logins  /api/tokens
 *   /api/providers     /api/credentials  /api/usage  /api/runs  /api/sandboxes
 *   /api/auth/*                                 sign-ins, their events, tickets and pictures
 *   /api/docs          /api/openapi.json  /metrics
 */

import rateLimit from '@fastify/rate-limit';
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox';
import { newId, PolydevError } from '@polydev/protocol';
import fastify, { type FastifyBaseLogger, LogController } from 'fastify';
import { addGuard } from '../auth/guard.ts';
import type { App, AppDeps } from './app.ts';
import { refuseWhileAway } from './away.ts';
import { addDashboard } from './dashboard.ts';
import { addDocsPage, addDocument } from './docs.ts';
import { addErrorHandling, answerError, describeValidation } from './errors.ts';
import { addSecurityHeaders } from './headers.ts';
import { addMetrics } from './metrics.ts';
import { addRoutes } from './routes/index.ts';
import { acceptUpgrades, isUpgrade } from './upgrade.ts';

export interface ServerOptions {
  publicUrl: string | null;
  trustedProxies: string[];
  requestsPerMinute: number;
  webDir: string | null;
  log: FastifyBaseLogger;
  /** Told of every route there is. */
  onRoute?: (methods: string[], path: string) => void;
}

/** Enough for every request but a prompt. */
const bodyBytes = 64 * 1024;
/** For a request to arrive; its answer may take as long as it likes. */
const requestMs = 60_000;
const idleSweepMs = 50;

export async function createHttpServer(deps: AppDeps, options: ServerOptions): Promise<App> {
  const app: App = fastify({
    loggerInstance: options.log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => newId('request'),
    requestIdHeader: false,
    trustProxy: options.trustedProxies.length > 0 ? options.trustedProxies : false,
    bodyLimit: bodyBytes,
    requestTimeout: requestMs,
    http: { shouldUpgradeCallback: isUpgrade },
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    return503OnClosing: false, // it is not in our words
    schemaErrorFormatter: describeValidation,
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply),
  });
  app.setValidatorCompiler(TypeBoxValidatorCompiler);
  // JSON alone: forms and plain text are what other people's pages can send without asking.
  app.removeContentTypeParser('text/plain');

  app.addHook('onRoute', ({ method, url }) => options.onRoute?.([method].flat(), url));

  addErrorHandling(app);
  addSecurityHeaders(app);
  const closing = new AbortController();
  app.addHook('onRequest', async (_, reply) => {
    if (!closing.signal.aborted) return;
    reply.header('connection', 'close');
    throw new PolydevError('unavailable', 'Polydev is being restarted.');
  });
  acceptUpgrades(app);
  await app.register(rateLimit, {
    global: false,
    max: options.requestsPerMinute,
    timeWindow: 60_000,
    errorResponseBuilder: () => new PolydevError('rate_limited', 'Too many requests from this address.'),
  });
  // Before the guard, and for unknown paths too: looking up who is asking costs a query.
  app.addHook('onRequest', app.rateLimit());
  refuseWhileAway(app, deps.patience);
  const guard = await addGuard(app, { ...deps, publicUrl: options.publicUrl });

  app.addHook('preClose', async () => {
    closing.abort();
    deps.relay.close();
    // A kept-alive connection that becomes idle from now on would hold the server open for its whole time.
    const sweep = setInterval(() => app.server.closeIdleConnections(), idleSweepMs);
    app.server.once('close', () => clearInterval(sweep));
  });

  await addDocument(app, deps);
  addMetrics(app, deps.metrics);
  await addRoutes(app, { ...deps, guard, closing: closing.signal });
  await addDocsPage(app);
  await addDashboard(app, options.webDir);
  return app;
}
