/** Counters for Prometheus. */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { GatewayMetrics } from '../egress/gateway.ts';
import type { App } from './app.ts';

export interface Metrics {
  registry: Registry;
  requestSeconds: Histogram<'method' | 'route' | 'status'>;
  viewers: Gauge;
  relayedBytes: Counter<'direction'>;
  egress: GatewayMetrics;
}

/** `waiting`: sandboxes that wait to be used. */
export function createMetrics(waiting: () => Readonly<Record<string, number>> = () => ({})): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  new Gauge({
    name: 'polydev_waiting_sandboxes',
    help: 'Sandboxes that wait to be used now.',
    labelNames: ['profile'],
    registers,
    collect() {
      for (const [profile, count] of Object.entries(waiting())) this.set({ profile }, count);
    },
  });
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
    egress: createEgressMetrics(registry),
  };
}

function createEgressMetrics(registry: Registry): GatewayMetrics {
  const registers = [registry];
  const open = new Gauge({ name: 'polydev_egress_connections', help: 'Connections of sandboxes now.', registers });
  const bytes = new Counter({
    name: 'polydev_egress_bytes_total',
    help: 'Bytes between sandboxes and the internet, counted when a connection ends.',
    labelNames: ['direction'],
    registers,
  });
  const refusals = new Counter({
    name: 'polydev_egress_refusals_total',
    help: 'What sandboxes were not let through to.',
    labelNames: ['reason'],
    registers,
  });
  return {
    connections: (change) => open.inc(change),
    bytes: (direction, count) => bytes.inc({ direction }, count),
    refusal: (reason) => refusals.inc({ reason }),
  };
}

export function addMetrics(app: App, { registry, requestSeconds }: Metrics): void {
  app.addHook('onResponse', async (request, reply) => {
    const labels = { method: request.method, route: request.routeOptions.url ?? '(none)', status: reply.statusCode };
    requestSeconds.observe(labels, reply.elapsedTime / 1000);
  });
  app.get('/metrics', { config: { access: 'read' }, schema: { hide: true } }, async (_request, reply) => {
    reply.header('content-type', registry.contentType);
    return await registry.metrics();
  });
}
