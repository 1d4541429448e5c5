/** The proxy address of every program in the sandbox: carries each connection to the egress gateway. */

import { connect, createServer, type Server, type Socket } from 'node:net';
import { pipeline } from 'node:stream';
import type { Endpoint } from '@polydev/protocol';

export interface Forwarder {
  server: Server;
  /** Where to carry connections, also those that already wait. */
  open(gateway: Endpoint): void;
}

const connectionsAtMost = 1024;

/** A connection that comes before `open` waits for it at most `patienceMs`. */
export function createForwarder(options: { patienceMs: number }): Forwarder {
  const gateway = Promise.withResolvers<Endpoint>();

  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    client.on('error', () => client.destroy());
    const impatience = setTimeout(() => client.destroy(), options.patienceMs);
    gateway.promise.then((endpoint) => {
      clearTimeout(impatience);
      if (!client.destroyed) carry(client, endpoint);
    });
  });
  server.maxConnections = connectionsAtMost;

  return { server, open: gateway.resolve };
}

/** Each direction ends by itself; an error ends both. */
function carry(client: Socket, { host, port }: Endpoint): void {
  const upstream = connect({ host, port, allowHalfOpen: true, noDelay: true });
  upstream.on('error', () => upstream.destroy());
  client.setNoDelay(true);
  const done = (error?: Error | null) => {
    if (!error) return;
    client.destroy();
    upstream.destroy();
  };
  pipeline(client, upstream, done);
  pipeline(upstream, client, done);
}
