/** Where a sandbox wants to go: a host name or an address, and a port. */

import { isIPv4, isIPv6 } from 'node:net';

export interface Target {
  /** In lower case, without brackets and without a final dot. */
  host: string;
  port: number;
}

const nameAtMost = 253;
const label = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** `host:port`, `[address]:port`; the port may be missing where there is a usual one. Null for anything else. */
export function parseAuthority(text: string, usualPort?: number): Target | null {
  const parts = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]@/\s]+))(?::(\d{1,5}))?$/.exec(text);
  if (!parts) return null;
  const [, bracketed, plain, digits] = parts;
  const port = digits === undefined ? usualPort : Number(digits);
  if (port === undefined) return null;
  if (bracketed !== undefined) return isIPv6(bracketed) ? targetOf(bracketed, port) : null;
  return targetOf(plain ?? '', port);
}

/** Null unless the host is a name or an address in its one usual spelling. */
export function targetOf(text: string, port: number): Target | null {
  if (!Number.isInteger(port) || port < 1 || port > 65535) return null;
  const host = text.toLowerCase().replace(/\.$/, '');
  if (isIPv4(host) || (isIPv6(host) && !host.includes('%'))) return { host, port };
  if (host === '' || host.length > nameAtMost) return null;
  const labels = host.split('.');
  // 2130706433, 0x7f.1 and 017700000001 are addresses to some resolvers.
  if (/^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '')) return null;
  return labels.every((part) => label.test(part)) ? { host, port } : null;
}
