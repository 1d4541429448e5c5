/** What each provider's part is built from. */

import type { FastifyInstance } from 'fastify';
import type { Grants } from './grants.ts';
import type { DoublesState } from './state.ts';

export interface Part {
  server: FastifyInstance;
  state: DoublesState;
  grants: Grants;
}

/** Route options: only for this Host, with or without a port. */
export function at(host: string) {
  return { constraints: { host: new RegExp(`^${host.replaceAll('.', '\\.')}(:\\d+)?$`) } };
}
