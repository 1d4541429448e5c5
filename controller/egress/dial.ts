/** Opens the connection that a sandbox asked for, if it may have it. */

import { connect, isIP, isIPv4, type LookupFunction, type Socket } from 'node:net';
import { type Endpoint, PolydevError } from '@polydev/protocol';
import type { Policy } from './policy.ts';
import type { Resolve } from './resolve.ts';
import type { Target } from './target.ts';
import { passThrough, type Upstream } from './upstream.ts';

/** Rejects with `egress_refused`, or with `unavailable` when nothing answers. */
export type Dial = (target: Target, upstream: Upstream | undefined, signal: AbortSignal) => Promise<Socket>;

export function createDial(deps: { policy: Policy; resolve: Resolve; connectMs: number }): Dial {
  const { policy, resolve, connectMs } = deps;

  async function addressesOf({ host }: Target, signal: AbortSignal): Promise<string[]> {
    if (isIP(host)) return [host];
    const addresses = await resolve(host, signal).catch((cause: unknown) => {
      throw new PolydevError('unavailable', `The name ${host} cannot be resolved.`, { cause });
    });
    policy.checkAddresses(host, addresses);
    return addresses;
  }

  return async (target, upstream, callerSignal) => {
    const signal = AbortSignal.any([callerSignal, AbortSignal.timeout(connectMs)]);
    try {
      const route = policy.route(target);
      if (route) return await open(route, signal);
      policy.checkTarget(target);
      if (!upstream) return await open(target, signal, await addressesOf(target, signal));
      const socket = await open(upstream, signal);
      await orAborted(passThrough(socket, upstream, target), socket, signal);
      return socket;
    } catch (cause) {
      if (cause instanceof PolydevError) throw cause;
      throw new PolydevError('unavailable', `${target.host} does not answer on port ${target.port}.`, { cause });
    }
  };
}

/** Far servers take longer than the quarter of a second that is usual here before the next address is tried. */
const nextAddressMs = 2_500;

/** To one of exactly these addresses, if there are any: a name that was checked is not looked up a second time. */
function open({ host, port }: Endpoint, signal: AbortSignal, addresses?: readonly string[]): Promise<Socket> {
  const checked = addresses?.map((address) => ({ address, family: isIPv4(address) ? 4 : 6 }));
  const lookup: LookupFunction = (_name, _options, callback) => callback(null, checked ?? []);
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket = connect({
      ...{ host, port, allowHalfOpen: true, noDelay: true, keepAlive: true },
      ...{ autoSelectFamily: true, autoSelectFamilyAttemptTimeout: nextAddressMs },
      ...(checked && { lookup }),
    });
    const abort = () => socket.destroy(signal.reason);
    signal.addEventListener('abort', abort);
    const settled = () => signal.removeEventListener('abort', abort);
    socket.once('connect', () => {
      settled();
      resolve(socket);
    });
    socket.on('error', (error) => {
      settled();
      reject(error);
    });
  });
}

async function orAborted(work: Promise<void>, socket: Socket, signal: AbortSignal): Promise<void> {
  const abort = () => socket.destroy(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  await work.finally(() => signal.removeEventListener('abort', abort));
}
