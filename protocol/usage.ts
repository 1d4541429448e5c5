/** The HTTP API: what accounts were used for. */

import { type Static, Type } from 'typebox';
import { idSchema } from './ids.ts';
import { ProviderId } from './run-event.ts';
import { Nullable } from './shapes.ts';

/** What one account was used for in the last seven days. */
export const AccountUsage = Type.Object({
  provider: ProviderId,
  /** May be one that has been disconnected since. */
  credentialId: Nullable(idSchema('credential')),
  /** Seven, today last. */
  days: Type.Array(
    Type.Object({
      /** `2026-11-20`, in the time zone asked for. */
      day: Type.String(),
      runs: Type.Integer(),
      /** Of these runs, those that failed or took too long. */
      failed: Type.Integer(),
      inputTokens: Type.Integer(),
      outputTokens: Type.Integer(),
      /** As far as the tool reports it, in US dollars. */
      costUsd: Type.Number(),
    }),
  ),
});
export type AccountUsage = Static<typeof AccountUsage>;
export const AskUsage = Type.Object({
  /** IANA name; decides where days begin. Without it: UTC. */
  timeZone: Type.Optional(Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z][A-Za-z0-9_+/-]*$' })),
});
export type AskUsage = Static<typeof AskUsage>;
