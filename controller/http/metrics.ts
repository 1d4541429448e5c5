/** Counters for Prometheus. */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { App } from './app.ts';

export interface Metrics {
  registry: Registry;
  requestSeconds: Histogram<'method' | 'route' | 'status'>;
  viewers: Gauge;
  relayedBytes: Counter<'direction'>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    requestSeconds: new Histogram({
      name: 'polydev_http_request_seconds',
      help: 'Time from a request to the end of its answer.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
      registers,
    }),
    viewers: new Gauge({ name: 'polydev_viewers', help: 'Viewers connected to a desktop now.', registers }),
    relayedBytes: new Counter({
      name: 'polydev_relayed_bytes_total',
      help: 'Bytes carried between viewers and desktops.',
      labelNames: ['direction'],
      registers,
    }),
  };
}

export function addMetrics(app: App, { registry, requestSeconds }: Metrics): void {
  app.addHook('onResponse', async (request, reply) => {
    const labels = { method: request.method, route: request.routeOptions.url ?? '(none)', status: reply.statusCode };
    requestSeconds.observe(labels, reply.elapsedTime / 1000);
  });
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    reply.header('content-type', registry.contentType);
    return await registry.metrics();
  });
}
