/** Opens the port, and says what to type into a browser. */

import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type ErrorCode, PolydevError } from '@polydev/protocol';
import type { App } from './app.ts';

/** Answers the port. Throws `port_taken`, or `invalid_request` for an address that is not there. */
export async function openPort(app: App, host: string, port: number): Promise<number> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    const [code, message] = describe((cause as NodeJS.ErrnoException).code, host, port);
    throw new PolydevError(code, message, { cause });
  }
  return (app.server.address() as AddressInfo).port;
}

function describe(code: string | undefined, host: string, port: number): [ErrorCode, string] {
  if (code === 'EADDRINUSE') return ['port_taken', `Port ${port} at ${host} is taken by another program.`];
  if (code === 'EACCES') return ['port_taken', `Port ${port} is only for root; choose one above 1023.`];
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return ['invalid_request', `${host} is not an address of this machine.`];
  return ['internal', `Port ${port} at ${host} cannot be opened.`];
}

export function urlOf(publicUrl: string | null, host: string, port: number): string {
  if (publicUrl !== null) return publicUrl.replace(/\/$/, '');
  const name = host === '0.0.0.0' || host === '::' ? reachableAddress() : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

/** One that other machines may know this one by. */
function reachableAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  return addresses.find((entry) => !entry.internal && entry.family === 'IPv4')?.address ?? '127.0.0.1';
}
