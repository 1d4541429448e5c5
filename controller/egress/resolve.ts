/**
 * Names to addresses. Asks the name servers itself and not the system: a sandbox's slow names must not fill the
 * threads that the system's look-ups share with the file system, and what /etc/hosts says is for this host alone
 * (for sandboxes there are routes).
 */

import { Resolver } from 'node:dns/promises';

/** Every address of a name. Rejects when there is none, or when the signal aborts. */
export type Resolve = (name: string, signal: AbortSignal) => Promise<string[]>;

const tryMs = 3_000;
const tries = 3;

/** `servers` stand in for the host's own. */
export function createResolve(servers?: readonly string[]): Resolve {
  return async (name, signal) => {
    // A fresh one each time, so that it follows changes of the host's name servers.
    const resolver = new Resolver({ timeout: tryMs, tries });
    if (servers) resolver.setServers(servers);
    const cancel = () => resolver.cancel();
    signal.addEventListener('abort', cancel);
    try {
      signal.throwIfAborted();
      const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
      signal.throwIfAborted();
      const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
      if (addresses.length === 0) throw answers.find((answer) => answer.status === 'rejected')?.reason;
      return addresses;
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  };
}
