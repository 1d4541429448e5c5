/** The driver contract over HTTP. Bodies are checked against the protocol's schemas before the driver sees them. */

import type { Driver } from '@polydev/drivers';
import {
  idSchema,
  PolydevError,
  type SandboxExit,
  type SandboxId,
  SandboxSpec,
  toPolydevError,
} from '@polydev/protocol';
import fastify, { type FastifyBaseLogger, type FastifyError, type FastifyInstance, LogController } from 'fastify';
import { Type } from 'typebox';
import { type EventLine, RestoreBody, toWire } from './wire.ts';

const bodyBytes = 64 * 1024;

interface ById {
  Params: { id: SandboxId };
}
const byId = { schema: { params: Type.Object({ id: idSchema('sandbox') }) } };

export function createHostdServer(deps: { driver: Driver; log: FastifyBaseLogger }): FastifyInstance {
  const { driver, log } = deps;
  const app = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyBytes,
    forceCloseConnections: true,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
  });

  app.setErrorHandler((error: FastifyError | PolydevError, request, reply) => {
    const known = error instanceof PolydevError ? error : asPolydevError(error);
    const { status, body } = toWire(known);
    log[status >= 500 ? 'error' : 'warn']({ err: error, method: request.method, path: request.routeOptions.url });
    return reply.status(status).send(body);
  });
  app.addHook('onResponse', async (request, reply) => {
    const { method, url } = request;
    log.info({ method, path: url, status: reply.statusCode, tookMs: Math.round(reply.elapsedTime) });
  });

  app.get('/preflight', () => driver.preflight());
  app.get('/features', () => driver.features());
  app.get('/memory', () => driver.memory());
  app.get('/sandboxes', () => driver.list());
  app.post<{ Body: SandboxSpec }>('/sandboxes', { schema: { body: SandboxSpec } }, ({ body }) => driver.create(body));
  app.post<{ Body: RestoreBody }>('/restore', { schema: { body: RestoreBody } }, ({ body }) =>
    driver.restore(body.snapshot, body.spec),
  );
  app.get<ById>('/sandboxes/:id/address', byId, ({ params }) => driver.address(params.id));
  app.get<ById>('/sandboxes/:id/console', byId, async ({ params }) => ({ text: await driver.console(params.id) }));
  app.post<ById>('/sandboxes/:id/snapshot', byId, async ({ params }) => ({
    snapshot: await driver.snapshot(params.id),
  }));
  const acts = { pause: driver.pause, resume: driver.resume };
  for (const [name, act] of Object.entries(acts))
    app.post<ById>(`/sandboxes/:id/${name}`, byId, async ({ params }, reply) => {
      await act(params.id);
      return reply.status(204).send();
    });
  app.delete<ById>('/sandboxes/:id', byId, async ({ params }, reply) => {
    await driver.destroy(params.id);
    return reply.status(204).send();
  });

  app.get('/events', async (_, reply) => {
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, { 'content-type': 'application/x-ndjson' });
    const write = (line: EventLine) => raw.write(`${JSON.stringify(line)}\n`);
    // Ends that come while the living are counted follow after them.
    let early: SandboxExit[] | undefined = [];
    const leave = driver.onExit((exit) => {
      if (early) early.push(exit);
      else write({ type: 'exit', ...exit });
    });
    raw.on('close', leave);
    const living = (await driver.list()).filter(({ state }) => state !== 'dead').map(({ id }) => id);
    write({ type: 'living', ids: living });
    for (const exit of early) write({ type: 'exit', ...exit });
    early = undefined;
  });

  return app;
}

function asPolydevError(error: FastifyError): PolydevError {
  if (error.validation) return new PolydevError('invalid_request', `The request does not fit: ${error.message}.`);
  if (error.statusCode === 413) return new PolydevError('payload_too_large', 'The request is too large.');
  if (error.statusCode && error.statusCode < 500) return new PolydevError('invalid_request', error.message);
  return toPolydevError(error);
}
