/** The HTTP API: shapes of requests and answers. The controller validates with them, OpenAPI and SDK are made of them. */

import { type Static, type TSchema, Type } from 'typebox';
import { AccountInfo } from './credential.ts';
import type { ErrorCode } from './errors.ts';
import { idSchema as idOf } from './ids.ts';
import { limits } from './limits.ts';
import { ProviderId, RunEvent, Usage } from './run-event.ts';
import { Profile } from './sandbox.ts';
import { type RunState, runMoves, type SandboxState, type SessionState, sandboxMoves, sessionMoves } from './states.ts';

function keysOf<S extends string>(moves: Record<S, unknown>) {
  return Type.Unsafe<S>(Type.String({ enum: Object.keys(moves) }));
}

const Time = Type.Integer({ description: 'Milliseconds since 1970-01-01 UTC.' });
const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const ErrorCodeSchema = Type.Unsafe<ErrorCode>(Type.String());

/** Why a thing ended badly: a stable code and one sentence for people. */
export const Reason = Type.Object({ code: ErrorCodeSchema, message: Type.String(), hint: Type.String() });
export type Reason = Static<typeof Reason>;

export const ErrorBody = Type.Object({
  error: Type.Object({
    code: ErrorCodeSchema,
    message: Type.String(),
    hint: Type.String(),
    requestId: Type.String(),
  }),
});
export type ErrorBody = Static<typeof ErrorBody>;

// ---- People ----

export const User = Type.Object({
  id: idOf('user'),
  name: Type.String(),
  role: Type.Union([Type.Literal('owner'), Type.Literal('member')]),
});
export type User = Static<typeof User>;

const Name = Type.String({ minLength: 1, maxLength: 64, pattern: '\\S' });
const Password = Type.String({ minLength: limits.passwordMinLength, maxLength: 1024 });

export const SetupStatus = Type.Object({ needed: Type.Boolean() });
export const SetupRequest = Type.Object({
  setupToken: Type.String({ maxLength: 128 }),
  name: Name,
  password: Password,
});
export type SetupRequest = Static<typeof SetupRequest>;
export const LoginRequest = Type.Object({ name: Name, password: Type.String({ maxLength: 1024 }) });
export type LoginRequest = Static<typeof LoginRequest>;

export const ApiToken = Type.Object({
  id: idOf('token'),
  name: Type.String(),
  createdAtMs: Time,
  lastUsedAtMs: Nullable(Time),
});
export type ApiToken = Static<typeof ApiToken>;
export const CreateApiToken = Type.Object({ name: Name });
export const CreatedApiToken = Type.Object({
  token: ApiToken,
  secret: Type.String({ description: 'Shown this once.' }),
});
export type CreatedApiToken = Static<typeof CreatedApiToken>;

// ---- Providers ----

/** What the dashboard tells people about a tool. */
export const ProviderInfo = Type.Object({
  id: ProviderId,
  name: Type.String(),
  maker: Type.String(),
  /** One line: what one gets. */
  summary: Type.String(),
  loginCommand: Type.String(),
  apiKeyPage: Type.String(),
  apiKeyHint: Type.String(),
  /** The way in to suggest first. */
  firstWayIn: Type.Union([Type.Literal('browser'), Type.Literal('api_key')]),
  termsPage: Type.String(),
});
export type ProviderInfo = Static<typeof ProviderInfo>;

// ---- Sign-in ----

export const SessionStateSchema = keysOf<SessionState>(sessionMoves);

export const StartSession = Type.Object({
  provider: ProviderId,
  userId: Type.Optional(idOf('user')),
  label: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
});
export type StartSession = Static<typeof StartSession>;

export const StartedSession = Type.Object({
  success: Type.Literal(true),
  sessionId: idOf('session'),
  provider: ProviderId,
  /** Path of the dashboard page that shows the desktop. */
  novncURL: Type.String(),
  expiresAtMs: Time,
});
export type StartedSession = Static<typeof StartedSession>;

/** One line of a session's timeline. */
export const SessionEvent = Type.Union([
  Type.Object({ type: Type.Literal('state'), state: SessionStateSchema, reason: Nullable(Reason) }),
  Type.Object({ type: Type.Literal('desktop'), part: Type.String(), up: Type.Boolean() }),
  Type.Object({ type: Type.Literal('opened'), page: Type.String() }),
  Type.Object({ type: Type.Literal('credential_found') }),
  Type.Object({ type: Type.Literal('sealed'), tookMs: Type.Integer() }),
  Type.Object({ type: Type.Literal('proof'), text: Type.String() }),
  Type.Object({ type: Type.Literal('extended'), expiresAtMs: Time }),
  Type.Object({ type: Type.Literal('destroyed') }),
]);
export type SessionEvent = Static<typeof SessionEvent>;

export const AuthSession = Type.Object({
  id: idOf('session'),
  userId: idOf('user'),
  provider: ProviderId,
  label: Type.String(),
  state: SessionStateSchema,
  createdAtMs: Time,
  expiresAtMs: Time,
  /** Extending never goes past this. */
  hardExpiresAtMs: Time,
  endedAtMs: Nullable(Time),
  reason: Nullable(Reason),
  sandboxId: Nullable(idOf('sandbox')),
  credentialId: Nullable(idOf('credential')),
});
export type AuthSession = Static<typeof AuthSession>;

export const Ticket = Type.Object({
  /** Offer it as the WebSocket subprotocol `ticket.<ticket>` beside `binary`. */
  ticket: Type.String(),
  expiresInMs: Type.Integer(),
});
export type Ticket = Static<typeof Ticket>;

// ---- Credentials ----

export const Credential = Type.Object({
  id: idOf('credential'),
  provider: ProviderId,
  label: Type.String(),
  kind: Type.Union([Type.Literal('files'), Type.Literal('api_key')]),
  status: Type.Union([
    Type.Literal('active'),
    /** The provider no longer accepts it: sign in again. */
    Type.Literal('expired'),
  ]),
  account: AccountInfo,
  version: Type.Integer({ minimum: 1 }),
  createdAtMs: Time,
  updatedAtMs: Time,
  lastUsedAtMs: Nullable(Time),
});
export type Credential = Static<typeof Credential>;

export const AddApiKey = Type.Object({
  provider: ProviderId,
  apiKey: Type.String({ minLength: 8, maxLength: 1024, pattern: '^[\\x21-\\x7e]+$' }),
  label: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
});
export type AddApiKey = Static<typeof AddApiKey>;

// ---- Runs ----

export const RunStateSchema = keysOf<RunState>(runMoves);

export const StartRun = Type.Object({
  provider: ProviderId,
  prompt: Type.String({ minLength: 1, maxLength: limits.promptBytes }),
  model: Type.Optional(Type.String({ minLength: 1, maxLength: 100, pattern: '^[A-Za-z0-9][A-Za-z0-9._:/-]*$' })),
  /** Needed only with several accounts of one provider. */
  credentialId: Type.Optional(idOf('credential')),
  deadlineMs: Type.Optional(Type.Integer({ minimum: 1000, maximum: limits.runMaxMs })),
});
export type StartRun = Static<typeof StartRun>;

export const Run = Type.Object({
  id: idOf('run'),
  provider: ProviderId,
  credentialId: Nullable(idOf('credential')),
  state: RunStateSchema,
  prompt: Type.String(),
  model: Nullable(Type.String()),
  /** The answer so far. */
  answer: Type.String(),
  usage: Nullable(Usage),
  reason: Nullable(Reason),
  createdAtMs: Time,
  startedAtMs: Nullable(Time),
  firstTextAtMs: Nullable(Time),
  endedAtMs: Nullable(Time),
});
export type Run = Static<typeof Run>;

/** One line of a run's stream. */
export const RunStreamEvent = Type.Union([
  Type.Object({ type: Type.Literal('state'), state: RunStateSchema, reason: Nullable(Reason) }),
  /** `raw` is the tool's own line that the event came from, if it is JSON. */
  Type.Object({ type: Type.Literal('event'), event: RunEvent, raw: Type.Optional(Type.Unknown()) }),
]);
export type RunStreamEvent = Static<typeof RunStreamEvent>;

// ---- Streams of events: SSE `id:` is `seq`, resumed by `Last-Event-ID` ----

export const Sequenced = <T extends TSchema>(event: T) =>
  Type.Object({ seq: Type.Integer({ minimum: 1 }), atMs: Time, event });
export interface SequencedEvent<E> {
  seq: number;
  atMs: number;
  event: E;
}

// ---- Sandboxes ----

export const Sandbox = Type.Object({
  id: idOf('sandbox'),
  profile: Profile,
  state: keysOf<SandboxState>(sandboxMoves),
  owner: Nullable(Type.Union([idOf('session'), idOf('run'), idOf('credential')])),
  createdAtMs: Time,
});
export type Sandbox = Static<typeof Sandbox>;
