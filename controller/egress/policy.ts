/** What a sandbox may reach. */

import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type Endpoint, PolydevError } from '@polydev/protocol';
import ipaddr from 'ipaddr.js';
import { parseAuthority, type Target } from './target.ts';

/** `host` or `host:port`, exactly, in lower case, to what is reached instead. */
export type Routes = ReadonlyMap<string, Endpoint>;

export interface Policy {
  /** Where the operator sends this target, private or not. */
  route(target: Target): Endpoint | undefined;
  /** Throws `egress_refused` for a port, a name or a literal address that is not for sandboxes. */
  checkTarget(target: Target): void;
  /** Throws `egress_refused` unless every address may be reached: one bad one spoils the name. */
  checkAddresses(host: string, addresses: readonly string[]): void;
}

export type RefusalReason = 'address' | 'name' | 'port' | 'protocol' | 'source' | 'too_many_connections';

/** From `host` or `host:port` to `address:port`, as the configuration has them. */
export function parseRoutes(routes: Readonly<Record<string, string>>): Routes {
  return new Map(
    Object.entries(routes).map(([from, to]) => {
      const target = parseAuthority(to);
      if (!target) throw new PolydevError('invalid_request', `egress.routes: "${to}" is not "address:port".`);
      return [from.toLowerCase(), target];
    }),
  );
}

export function createPolicy(options: { routes: Routes; allowedPorts: readonly number[] }): Policy {
  const { routes, allowedPorts } = options;

  function checkAddresses(host: string, addresses: readonly string[]): void {
    for (const address of addresses)
      if (!isPublic(address) || isOwn(address)) throw refused('address', `${host} is not a public internet address.`);
  }

  return {
    route: ({ host, port }) => routes.get(`${host}:${port}`) ?? routes.get(host),
    checkTarget({ host, port }) {
      if (!allowedPorts.includes(port)) throw refused('port', `Port ${port} of ${host} is not open to sandboxes.`);
      if (isIP(host)) checkAddresses(host, [host]);
      else if (/(^|\.)localhost$/.test(host)) throw refused('name', `${host} is not a public internet name.`);
    },
    checkAddresses,
  };
}

export function refused(reason: RefusalReason, message: string): PolydevError {
  return new PolydevError('egress_refused', message, { details: { reason } });
}

/** Public by number, but of the cloud that the host runs in: Azure's wire server, which answers with the host's secrets. */
const cloudAddresses = new Set(['168.63.129.16']);

/** Mapped, translated and tunnelled forms of IPv4 are not public: nobody needs them, and they hide what they are. */
export function isPublic(address: string): boolean {
  if (!isIP(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast' || cloudAddresses.has(parsed.toString())) return false;
  // Of all IPv6 only 2000::/3 is given out; the rest has old meanings, such as ::127.0.0.1.
  return parsed instanceof ipaddr.IPv4 || (parsed.toByteArray()[0] ?? 0) >> 5 === 1;
}

/** This host's public address leads to services that may trust whoever comes from the host itself. */
function isOwn(address: string): boolean {
  const parsed = ipaddr.parse(address).toNormalizedString();
  return Object.values(networkInterfaces()).some((entries) =>
    entries?.some((entry) => ipaddr.parse(entry.address).toNormalizedString() === parsed),
  );
}
