/** What the routes are made of: the typed Fastify instance and what it is given. */

import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ApiTokens } from '../auth/api-tokens.ts';
import type { Guard } from '../auth/guard.ts';
import type { Logins } from '../auth/logins.ts';
import type { Profile } from '../auth/profile.ts';
import type { Setup } from '../auth/setup.ts';
import type { Services } from '../services.ts';
import type { Patience } from '../store/patience.ts';
import type { Relay } from '../stream/relay.ts';
import type { Tickets } from '../stream/tickets.ts';
import type { Metrics } from './metrics.ts';

export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression<RawServerDefault>,
  RawReplyDefaultExpression<RawServerDefault>,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export interface AppDeps {
  services: Services;
  setup: Setup;
  logins: Logins;
  apiTokens: ApiTokens;
  profile: Profile;
  tickets: Tickets;
  relay: Relay;
  metrics: Metrics;
  /** Local stand-ins answer instead of the real providers. */
  demo: boolean;
  patience: Patience;
  /** Rejects when the database does not answer. */
  pingDatabase(): Promise<void>;
}

export interface RouteDeps extends AppDeps {
  guard: Guard;
  /** Aborts when the server closes: streams end by it. */
  closing: AbortSignal;
}
