/**
 * What the HTTP layer asks of the rest of the controller. Each method checks for itself that the caller may see the
 * thing: someone else's is `not_found`, except that an owner sees everything.
 */

import type {
  AccountUsage,
  AddApiKey,
  AskUsage,
  AuthSession,
  Credential,
  CredentialId,
  Endpoint,
  ListChange,
  ListCredentials,
  ListRuns,
  ListSessions,
  Profile,
  Run,
  RunId,
  RunStreamEvent,
  Sandbox,
  SandboxEvent,
  SandboxId,
  SandboxLogs,
  SandboxOrOwnerId,
  SequencedEvent,
  SessionEvent,
  SessionId,
  StartRun,
  StartSession,
  User,
} from '@polydev/protocol';

/**
 * History after `afterSeq`, then live; ends when nothing can follow (a run's final state, a session's `destroyed`) or
 * when the signal aborts.
 */
export interface EventStream<E> extends AsyncIterable<SequencedEvent<E>> {
  /** What it tells of had ended when it was asked for: nothing new will come. */
  readonly ended?: boolean;
}

/** Where an agent is and what it wants to hear. Never leaves the controller. */
export interface AgentAccess extends Endpoint {
  token: string;
}

export interface SessionService {
  /**
   * `forbidden` when `request.userId` is another's and the caller is no owner; `credential_exists` when a new account
   * is asked for under a label that one has. Resolves when its turn to have a desktop has come, or it has ended or was
   * handed over; `capacity` when there is no room for a while. Aborting cancels it.
   */
  start(user: User, request: StartSession, signal?: AbortSignal): Promise<AuthSession>;
  get(user: User, id: SessionId): Promise<AuthSession>;
  /** Newest first. */
  list(user: User, query?: ListSessions): Promise<AuthSession[]>;
  /** What its machine wrote to the console, without secrets: live, or as kept at a bad end; else empty. */
  console(user: User, id: SessionId): Promise<string>;
  /** `session_over` when it has ended. */
  extend(user: User, id: SessionId): Promise<AuthSession>;
  /** Idempotent: cancelling what has ended answers how it ended. */
  cancel(user: User, id: SessionId): Promise<AuthSession>;
  /** Rejects before the first event when there is no such session. */
  events(user: User, id: SessionId, afterSeq: number, signal: AbortSignal): Promise<EventStream<SessionEvent>>;
  /** For the relay: the person at the desktop does something. */
  active(id: SessionId): void;
  /**
   * For the relay, which has checked a ticket. Waits until the desktop can be reached; `session_over` if it ends first,
   * `other_host` where it cannot be reached from this one.
   */
  display(id: SessionId, signal: AbortSignal): Promise<AgentAccess>;
}

export interface CredentialService {
  list(user: User, query?: ListCredentials): Promise<Credential[]>;
  get(user: User, id: CredentialId): Promise<Credential>;
  /** `credential_exists` when another account of the provider has this label. */
  rename(user: User, id: CredentialId, label: string): Promise<Credential>;
  /** Nothing is kept once `gone` aborts. */
  addApiKey(user: User, request: AddApiKey, gone?: AbortSignal): Promise<Credential>;
  /** Forgets it here; never tells the provider to revoke it. */
  remove(user: User, id: CredentialId): Promise<void>;
  /** A tiny real run. Answers the credential with its new status. */
  test(user: User, id: CredentialId): Promise<Credential>;
}

export interface RunService {
  /** Nothing begins once `gone` aborts: who asked has heard that it failed, or hears nothing any more. */
  start(user: User, request: StartRun, gone?: AbortSignal): Promise<Run>;
  get(user: User, id: RunId): Promise<Run>;
  /** Newest first. */
  list(user: User, query?: ListRuns): Promise<Run[]>;
  /** Idempotent: cancelling what has ended answers how it ended. */
  cancel(user: User, id: RunId): Promise<Run>;
  /** Cancels first when it has not ended; then forgets the run and its events. */
  remove(user: User, id: RunId): Promise<void>;
  /** Rejects before the first event when there is no such run. */
  events(user: User, id: RunId, afterSeq: number, signal: AbortSignal): Promise<EventStream<RunStreamEvent>>;
}

export interface UsageService {
  /** Of every account of the user that was used in the last seven days. */
  list(user: User, ask: AskUsage): Promise<AccountUsage[]>;
  of(user: User, id: CredentialId, ask: AskUsage): Promise<AccountUsage>;
}

export interface SandboxStatus {
  /** Hostd answers. */
  hostd: boolean;
  /** Hash of the golden image in use. */
  image: string | null;
  /** Sandboxes that are there now. */
  sandboxes: number;
}

export interface SandboxService {
  /** Those that are there, newest first. */
  list(user: User): Promise<Sandbox[]>;
  /** Also one that is gone, for some days. */
  get(user: User, id: SandboxId): Promise<Sandbox>;
  /** The newest part of its console: live, or as kept at a bad end. */
  console(user: User, id: SandboxId): Promise<string>;
  /** Live, or as kept at a bad end. */
  logs(user: User, id: SandboxOrOwnerId): Promise<SandboxLogs>;
  /** The same of its desktop's picture, as PNG; for the one whose desktop it is alone. */
  screenshot(user: User, id: SandboxOrOwnerId): Promise<Buffer>;
  /** Rejects before the first event when there is no such sandbox. */
  events(user: User, id: SandboxId, afterSeq: number, signal: AbortSignal): Promise<EventStream<SandboxEvent>>;
  /** How many wait to be used. */
  waiting(): Readonly<Record<Profile, number>>;
  /** Never rejects. */
  status(): Promise<SandboxStatus>;
}

export interface ChangeService {
  /** Of the lists of the user; see `store/list-changes.ts`. */
  follow(user: User, afterSeq: number, signal: AbortSignal): Promise<EventStream<ListChange>>;
}

export interface Services {
  sessions: SessionService;
  credentials: CredentialService;
  runs: RunService;
  usage: UsageService;
  sandboxes: SandboxService;
  changes: ChangeService;
}
