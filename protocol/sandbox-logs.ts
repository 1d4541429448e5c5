/** What there is to know of one sandbox: live while it is there, and as kept when it ended badly. */

import { type Static, Type } from 'typebox';
import { Reason, RunStateSchema, SessionEvent } from './api.ts';
import { idSchema as idOf } from './ids.ts';
import { ProviderId } from './run-event.ts';
import { Profile } from './sandbox.ts';
import { keysOf, Nullable, Time } from './shapes.ts';
import { type SandboxState, sandboxMoves } from './states.ts';

/** A sandbox by its own id, or by that of the sign-in or run that it was for. */
export const SandboxOrOwnerId = Type.Union([idOf('sandbox'), idOf('session'), idOf('run')]);
export type SandboxOrOwnerId = Static<typeof SandboxOrOwnerId>;

export const SandboxMove = Type.Object({ atMs: Time, state: keysOf<SandboxState>(sandboxMoves) });
export type SandboxMove = Static<typeof SandboxMove>;

/** What happened, the oldest first: the sandbox's own moves among the events of what it was for. */
export const LogEntry = Type.Union([
  Type.Object({ atMs: Time, of: Type.Literal('sandbox'), state: SandboxMove.properties.state }),
  Type.Object({ atMs: Time, of: Type.Literal('session'), event: SessionEvent }),
  Type.Object({ atMs: Time, of: Type.Literal('run'), state: RunStateSchema, reason: Nullable(Reason) }),
]);
export type LogEntry = Static<typeof LogEntry>;

export const SandboxLogs = Type.Object({
  id: idOf('sandbox'),
  owner: Nullable(Type.Union([idOf('session'), idOf('run'), idOf('credential')])),
  profile: Profile,
  provider: Nullable(ProviderId),
  /** Hash of its golden image. */
  image: Nullable(Type.String()),
  createdAtMs: Time,
  /** Null while it is there. */
  endedAtMs: Nullable(Time),
  /** Why it is kept. */
  reason: Nullable(Reason),
  timeline: Type.Array(LogEntry),
  /** The newest part, without what is or looks like a secret; so is the journal. */
  console: Type.String(),
  journal: Type.String(),
  /** There is a picture for the one who asks: `…/screenshot`. */
  picture: Type.Boolean(),
});
export type SandboxLogs = Static<typeof SandboxLogs>;
