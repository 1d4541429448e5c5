/** The HTTP API: shapes of requests and answers. The controller validates with them, OpenAPI and SDK are made of them. */

import { type Static, type TSchema, Type } from 'typebox';
import { AccountInfo } from './credential.ts';
import type { ErrorCode } from './errors.ts';
import { idSchema as idOf } from './ids.ts';
import { limits } from './limits.ts';
import { ProviderId, RunEvent, Usage } from './run-event.ts';
import { Profile } from './sandbox.ts';
import { keysOf, Line, Nullable, Time } from './shapes.ts';
import { type RunState, runMoves, type SandboxState, type SessionState, sandboxMoves, sessionMoves } from './states.ts';

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

// ---- Providers ----

/** What the dashboard tells people about a tool. */
export const ProviderInfo = Type.Object({
  id: ProviderId,
  name: Type.String(),
  maker: Type.String(),
  /** One line: what one gets. */
  summary: Type.String(),
  loginCommand: Type.String(),
  /** Ways to sign in that another command begins, each by what sets it apart. */
  otherLogins: Type.Array(Type.Object({ name: Type.String(), command: Type.String() })),
  apiKeyPage: Type.String(),
  apiKeyHint: Type.String(),
  /** The way in to suggest first. */
  firstWayIn: Type.Union([Type.Literal('browser'), Type.Literal('api_key')]),
  termsPage: Type.String(),
});
export type ProviderInfo = Static<typeof ProviderInfo>;

// ---- Sign-in ----

export const SessionStateSchema = keysOf<SessionState>(sessionMoves);

/** Tells several accounts of one provider apart. Where none is said it is `default`. */
const Label = Line(64);
/** Beside the accounts that are there: `credential_exists` when one has this label. Otherwise it is replaced. */
const NewAccount = Type.Boolean();

export const StartSession = Type.Object({
  provider: ProviderId,
  userId: Type.Optional(idOf('user')),
  label: Type.Optional(Label),
  newAccount: Type.Optional(NewAccount),
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
  /** Nothing has happened for a while. Then it ends, unless something does: see `active`. */
  Type.Object({ type: Type.Literal('idle'), expiresAtMs: Time }),
  Type.Object({ type: Type.Literal('active') }),
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
  /** Sooner when nothing happens; the event `idle` says when. */
  expiresAtMs: Time,
  /** Extending never goes past this. */
  hardExpiresAtMs: Time,
  endedAtMs: Nullable(Time),
  reason: Nullable(Reason),
  sandboxId: Nullable(idOf('sandbox')),
  credentialId: Nullable(idOf('credential')),
});
export type AuthSession = Static<typeof AuthSession>;

/** What of a list is asked for. `before`: only what is older than this one. */
const page = <K extends 'session' | 'run'>(kind: K) => ({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.pageMax, default: limits.pageDefault })),
  before: Type.Optional(idOf(kind)),
});

export const ListSessions = Type.Object({
  ...page('session'),
  provider: Type.Optional(ProviderId),
  /** `active`: has not ended. */
  state: Type.Optional(keysOf<SessionState | 'active'>({ active: [], ...sessionMoves })),
});
export type ListSessions = Static<typeof ListSessions>;

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
  label: Type.Optional(Label),
  newAccount: Type.Optional(NewAccount),
});
export type AddApiKey = Static<typeof AddApiKey>;

export const ListCredentials = Type.Object({ provider: Type.Optional(ProviderId) });
export type ListCredentials = Static<typeof ListCredentials>;
export const RenameCredential = Type.Object({ label: Label });
export type RenameCredential = Static<typeof RenameCredential>;

// ---- Runs ----

export const RunStateSchema = keysOf<RunState>(runMoves);

export const StartRun = Type.Object({
  provider: ProviderId,
  prompt: Type.String({ minLength: 1, maxLength: limits.promptChars }),
  model: Type.Optional(Type.String({ minLength: 1, maxLength: 100, pattern: '^[A-Za-z0-9][A-Za-z0-9._:/-]*$' })),
  /** Needed only with several accounts of one provider. */
  credentialId: Type.Optional(idOf('credential')),
  deadlineMs: Type.Optional(Type.Integer({ minimum: 1000, maximum: limits.runMaxMs })),
});
export type StartRun = Static<typeof StartRun>;

/** In a list, prompt and answer are cut to their first `limits.listedTextChars` characters. */
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

export const ListRuns = Type.Object({
  ...page('run'),
  provider: Type.Optional(ProviderId),
  credentialId: Type.Optional(idOf('credential')),
  /** `active`: has not ended. */
  state: Type.Optional(keysOf<RunState | 'active'>({ active: [], ...runMoves })),
  /** Each of these words is in the prompt, the answer, or the name of the tool or model, whatever the case. */
  search: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
});
export type ListRuns = Static<typeof ListRuns>;

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

/** Which of a person's lists is not what it was; `all`: perhaps each of them. */
export const ListChange = Type.Object({
  list: Type.Union([Type.Literal('all'), Type.Literal('sessions'), Type.Literal('runs'), Type.Literal('credentials')]),
});
export type ListChange = Static<typeof ListChange>;

// ---- Sandboxes ----

export const SandboxStateSchema = keysOf<SandboxState>(sandboxMoves);

export const SandboxEvent = Type.Object({
  type: Type.Literal('state'),
  state: SandboxStateSchema,
  reason: Nullable(Reason),
});
export type SandboxEvent = Static<typeof SandboxEvent>;

export const Sandbox = Type.Object({
  id: idOf('sandbox'),
  profile: Profile,
  state: SandboxStateSchema,
  reason: Nullable(Reason),
  /** What it is for; null while it waits to be used. */
  owner: Nullable(Type.Union([idOf('session'), idOf('run'), idOf('credential')])),
  createdAtMs: Time,
  endedAtMs: Nullable(Time),
});
export type Sandbox = Static<typeof Sandbox>;

// ---- Health ----

export const Health = Type.Object({
  /** `degraded`: something that is named here is missing. */
  status: Type.Union([Type.Literal('ok'), Type.Literal('degraded')]),
  database: Type.Boolean(),
  hostd: Type.Boolean(),
  /** Hash of the golden image in use. */
  image: Nullable(Type.String()),
  /** How many there are now. */
  sandboxes: Type.Integer(),
});
export type Health = Static<typeof Health>;
