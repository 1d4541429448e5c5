/**
 * The egress gateway: the only way out of a sandbox. One port speaks HTTP proxying and SOCKS5. Who calls is known by
 * the source address, which the host's firewall has proved; an unknown one gets nothing.
 */

import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type Endpoint, PolydevError, limits as shared } from '@polydev/protocol';
import type { BaseLogger } from 'pino';
import { type Caller, createPatience } from './caller.ts';
import { createDial } from './dial.ts';
import { createHttpProxy } from './http.ts';
import { createPolicy, parseRoutes, type RefusalReason, refused } from './policy.ts';
import { createRefusalLog, type RefusalLog } from './refusal-log.ts';
import { createResolve, type Resolve } from './resolve.ts';
import { sniff } from './sniff.ts';
import { serveSocks } from './socks.ts';
import type { Target } from './target.ts';
import { parseUpstream, type Upstream } from './upstream.ts';

export interface SandboxGrant {
  sandboxId: string;
  /** Instead of the gateway's own. */
  upstream?: Upstream;
  /** A connection came about, or something went over one. Called often. */
  onFlow?: (() => void) | undefined;
  /** A connection was refused, with `egress_refused`. */
  onRefused?: ((refusal: PolydevError) => void) | undefined;
}

export interface GatewayMetrics {
  /** One more open connection, or one less. */
  connections(change: 1 | -1): void;
  /** Counted when a connection closes. `out`: from the sandbox; `in`: to it. */
  bytes(direction: 'in' | 'out', bytes: number): void;
  refusal(reason: RefusalReason | 'unavailable'): void;
}

export interface GatewayOptions {
  listen: Endpoint;
  /** `host` or `host:port` → `address:port`. Not refused, whatever it is. */
  routes?: Readonly<Record<string, string>>;
  allowedPorts?: readonly number[];
  /** `http://` or `socks5://`, with `user:password@` or without. Routes do not go through it. */
  upstream?: string | null;
  resolve?: Resolve;
  log: Pick<BaseLogger, 'info'>;
  metrics?: GatewayMetrics;
  limits?: Partial<GatewayLimits>;
}

export interface Gateway {
  listen(): Promise<AddressInfo>;
  /** Closes every connection too. */
  close(): Promise<void>;
  grant(sourceAddress: string, grant: SandboxGrant): void;
  /** Closes every connection from there. */
  revoke(sourceAddress: string): void;
}

export interface GatewayLimits {
  /** Of a request's headers. */
  headerBytes: number;
  /** From the start of a connection to the end of its first request's headers. */
  headerMs: number;
  /** From the end of an answer to the end of the next request's headers. */
  keepAliveMs: number;
  /** Resolving and connecting. */
  connectMs: number;
  /** For a connection over which nothing goes in either direction. */
  idleMs: number;
  /** After a refusal, for the other side to close. */
  hangUpMs: number;
  /** To the gateway, and as many from it. */
  connectionsPerSandbox: number;
  /** Of each sandbox, about single refusals and failures; beyond it they are counted. */
  logLinesPerWindow: number;
  logWindowMs: number;
}

const gatewayLimits: Readonly<GatewayLimits> = {
  headerBytes: 16 * 1024,
  headerMs: 30_000,
  keepAliveMs: 60_000,
  connectMs: 15_000,
  idleMs: shared.egressIdleMs,
  hangUpMs: 2_000,
  connectionsPerSandbox: 256,
  logLinesPerWindow: 20,
  logWindowMs: 60_000,
};

interface KnownSandbox {
  grant: SandboxGrant;
  sockets: Set<Socket>;
  /** Connections from here to servers, and those that are being made. */
  outgoing: number;
  refusals: RefusalLog;
}

const noMetrics: GatewayMetrics = { connections() {}, bytes() {}, refusal() {} };

export function createGateway(options: GatewayOptions): Gateway {
  const { log, metrics = noMetrics, resolve = createResolve(), allowedPorts = [80, 443] } = options;
  const limits = { ...gatewayLimits, ...options.limits };
  const upstream = options.upstream ? parseUpstream(options.upstream) : undefined;
  const policy = createPolicy({ routes: parseRoutes(options.routes ?? {}), allowedPorts });
  const dial = createDial({ policy, resolve, connectMs: limits.connectMs });
  const http = createHttpProxy(limits);
  const sandboxes = new Map<string, KnownSandbox>();

  function callerOf(socket: Socket, sandbox: KnownSandbox): Caller {
    const { grant, refusals } = sandbox;
    const closed = new AbortController();
    socket.once('close', () => closed.abort());

    function note(error: unknown, target?: Target): void {
      if (!(error instanceof PolydevError) || closed.signal.aborted) return;
      const isRefusal = error.code === 'egress_refused';
      const reason = isRefusal ? (error.details.reason as RefusalReason) : 'unavailable';
      metrics.refusal(reason);
      if (isRefusal) grant.onRefused?.(error);
      refusals.note({ ...target, reason }, isRefusal ? 'Egress refused.' : 'Egress failed.');
    }

    const patience = createPatience(socket);
    const flowing = () => grant.onFlow?.();
    return {
      patience,
      flowing,
      refuse(error) {
        note(error);
        return error;
      },
      hangUp(lastWord) {
        patience.start(limits.hangUpMs);
        socket.end(lastWord);
        socket.resume();
      },
      async open(target) {
        let server: Socket | undefined;
        sandbox.outgoing += 1;
        try {
          // Requests that are sent without waiting share one connection to here.
          if (sandbox.outgoing > limits.connectionsPerSandbox) throw tooManyConnections();
          server = await dial(target, grant.upstream ?? upstream, closed.signal);
          server.once('close', () => {
            sandbox.outgoing -= 1;
          });
          if (closed.signal.aborted) server.destroy();
          else flowing();
          return server;
        } catch (error) {
          if (!server) sandbox.outgoing -= 1;
          note(error, target);
          throw error;
        }
      },
    };
  }

  function accept(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    const sandbox = sandboxes.get(plainAddress(socket.remoteAddress));
    if (!sandbox || sandbox.sockets.size >= limits.connectionsPerSandbox) {
      metrics.refusal(sandbox ? 'too_many_connections' : 'source');
      socket.destroy();
      return;
    }
    sandbox.sockets.add(socket);
    metrics.connections(1);
    socket.once('close', () => {
      sandbox.sockets.delete(socket);
      metrics.connections(-1);
      metrics.bytes('out', socket.bytesRead);
      metrics.bytes('in', socket.bytesWritten);
    });
    socket.setTimeout(limits.idleMs, () => socket.destroy());
    const caller = callerOf(socket, sandbox);
    caller.patience.start(limits.headerMs);
    sniff(socket, (protocol) => {
      if (protocol === 'socks') void serveSocks(socket, caller);
      else http.serve(socket, caller);
    });
  }

  const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, accept);

  function revoke(sourceAddress: string): void {
    const source = plainAddress(sourceAddress);
    const sandbox = sandboxes.get(source);
    sandboxes.delete(source);
    for (const socket of sandbox?.sockets ?? []) socket.destroy();
    sandbox?.refusals.close();
  }

  return {
    grant(sourceAddress, grant) {
      revoke(sourceAddress);
      const { logLinesPerWindow: lines, logWindowMs: windowMs } = limits;
      const refusals = createRefusalLog({ log, sandboxId: grant.sandboxId, lines, windowMs });
      sandboxes.set(plainAddress(sourceAddress), { grant, sockets: new Set(), outgoing: 0, refusals });
    },
    revoke,
    listen: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(options.listen, () => {
          server.off('error', reject);
          resolve(server.address() as AddressInfo);
        });
      }),
    close: () =>
      new Promise((resolve) => {
        for (const source of [...sandboxes.keys()]) revoke(source);
        server.close(() => resolve());
      }),
  };
}

function tooManyConnections(): PolydevError {
  return refused('too_many_connections', 'This sandbox has too many connections open.');
}

/** IPv4 as such, also where the socket is one of IPv6. */
function plainAddress(address = ''): string {
  return address.replace(/^::ffff:(?=\d+\.)/, '');
}
