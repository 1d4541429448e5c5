/** The driver contract as HTTP over a unix socket. Whoever may open the socket may do what the contract says, no more. */

import { PassThrough } from 'node:stream';
import type { Driver } from '@polydev/drivers';
import { idSchema, PolydevError, type SandboxId, SandboxSpec, toPolydevError } from '@polydev/protocol';
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { HostdEvent } from './wire.ts';

const bodyLimitBytes = 64 * 1024;
const oneSandbox = { params: Type.Object({ id: idSchema('sandbox') }) };
const restoring = { body: Type.Object({ snapshot: Type.String({ maxLength: 200 }), spec: SandboxSpec }) };

interface One {
  Params: { id: SandboxId };
}

export function createServer(driver: Driver, log: FastifyBaseLogger): FastifyInstance {
  const server = Fastify({ loggerInstance: log, bodyLimit: bodyLimitBytes, forceCloseConnections: true });

  server.setErrorHandler((error: Error & { validation?: unknown }, request, reply) => {
    const known = error.validation ? new PolydevError('invalid_request', error.message) : toPolydevError(error);
    request.log[known.status >= 500 ? 'error' : 'info']({ err: error }, known.message);
    return reply.status(known.status).send({ error: { code: known.code, message: known.message } });
  });

  server.get('/preflight', () => driver.preflight());
  server.get('/features', () => driver.features());
  server.get('/sandboxes', () => driver.list());
  server.post<{ Body: SandboxSpec }>('/sandboxes', { schema: { body: SandboxSpec } }, ({ body }) =>
    driver.create(body),
  );
  server.post<{ Body: { snapshot: string; spec: SandboxSpec } }>('/restore', { schema: restoring }, ({ body }) =>
    driver.restore(body.snapshot, body.spec),
  );
  server.get<One>('/sandboxes/:id/address', { schema: oneSandbox }, ({ params }) => driver.address(params.id));
  server.get<One>('/sandboxes/:id/console', { schema: oneSandbox }, async ({ params }) => ({
    console: await driver.console(params.id),
  }));
  server.post<One>('/sandboxes/:id/snapshot', { schema: oneSandbox }, async ({ params }) => ({
    snapshot: await driver.snapshot(params.id),
  }));
  const acts = { pause: driver.pause, resume: driver.resume, destroy: driver.destroy };
  for (const [name, act] of Object.entries(acts)) {
    server.post<One>(`/sandboxes/:id/${name}`, { schema: oneSandbox }, async ({ params }, reply) => {
      await act(params.id);
      return reply.status(204).send();
    });
  }

  server.get('/events', async (_request, reply) => {
    const lines = new PassThrough();
    const send = (event: HostdEvent) => lines.write(`${JSON.stringify(event)}\n`);
    const stop = driver.onExit((exit) => send({ type: 'exit', exit }));
    reply.raw.once('close', stop);
    // Listening came first, so nobody is lost between the two.
    const alive = (await driver.list()).filter(({ state }) => state !== 'dead');
    send({ type: 'alive', ids: alive.map(({ id }) => id) });
    return reply.type('application/x-ndjson').send(lines);
  });

  return server;
}
