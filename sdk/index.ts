/** A typed client of Polydev's HTTP API, for browsers (login cookie) and for programs (API token). */

import type {
  AccountUsage,
  AddApiKey,
  ApiToken,
  AuthSession,
  ChangePassword,
  ChangeProfile,
  CreateApiToken,
  CreatedApiToken,
  Credential,
  CredentialId,
  Health,
  ListChange,
  ListCredentials,
  ListRuns,
  ListSessions,
  Login,
  LoginRequest,
  ProviderInfo,
  Run,
  RunId,
  RunStreamEvent,
  Sandbox,
  SandboxEvent,
  SandboxLogs,
  SandboxOrOwnerId,
  SequencedEvent,
  SessionEvent,
  SessionId,
  SetupRequest,
  SetupStatus,
  StartedSession,
  StartRun,
  StartSession,
  Ticket,
  User,
} from '@polydev/protocol';
import { isFinal, runMoves, sandboxMoves, sessionMoves } from '@polydev/protocol/states';
import { type FollowOptions, follow } from './follow.ts';
import { createHttp, type PolydevOptions } from './http.ts';

export type { ListRuns } from '@polydev/protocol';
export { type ApiErrorCode, PolydevApiError } from './errors.ts';
export type { FollowOptions } from './follow.ts';
export type { PolydevOptions } from './http.ts';

/** Where a sign-in's desktop can be seen: open a WebSocket with exactly these. */
export interface DisplayAddress {
  url: string;
  protocols: string[];
}

interface Items<T> {
  items: T[];
}

export type Polydev = ReturnType<typeof createPolydev>;

export function createPolydev(options: PolydevOptions) {
  const http = createHttp(options);
  const get = <T>(path: string) => http.request<T>('GET', path);
  const post = <T>(path: string, body?: unknown) => http.request<T>('POST', path, { body });
  const patch = <T>(path: string, body: unknown) => http.request<T>('PATCH', path, { body });
  const remove = (path: string) => http.request<void>('DELETE', path);
  const list = async <T>(path: string) => (await get<Items<T>>(path)).items;

  const session = (id: SessionId) => `/api/auth/session/${encodeURIComponent(id)}`;
  const credential = (id: CredentialId) => `/api/credentials/${encodeURIComponent(id)}`;
  const sandbox = (id: SandboxOrOwnerId) => `/api/sandboxes/${encodeURIComponent(id)}`;
  const run = (id: RunId) => `/api/runs/${encodeURIComponent(id)}`;
  const ticket = (id: SessionId) => post<Ticket>(`${session(id)}/ticket`);

  return {
    /** The server's clock, for countdowns on a machine whose own clock is off. */
    serverNowMs: http.serverNowMs,

    setup: {
      status: () => get<SetupStatus>('/api/setup'),
      complete: (request: SetupRequest) => post<User>('/api/setup', request),
    },
    login: (request: LoginRequest) => post<User>('/api/login', request),
    logout: () => post<void>('/api/logout'),
    me: () => get<User>('/api/me'),
    /** Whether all is there that sign-ins and runs need. */
    health: () => get<Health>('/api/auth/health'),

    profile: {
      change: (change: ChangeProfile) => patch<User>('/api/me', change),
      /** Every other login ends; API tokens stay. */
      changePassword: (change: ChangePassword) => post<void>('/api/me/password', change),
    },
    /** The browsers that are signed in. */
    logins: {
      list: () => list<Login>('/api/logins'),
      end: (id: Login['id']) => remove(`/api/logins/${encodeURIComponent(id)}`),
      /** All but the one that asks. */
      endOthers: () => remove('/api/logins'),
    },

    tokens: {
      list: () => list<ApiToken>('/api/tokens'),
      create: (request: CreateApiToken) => post<CreatedApiToken>('/api/tokens', request),
      revoke: (id: ApiToken['id']) => remove(`/api/tokens/${encodeURIComponent(id)}`),
    },

    providers: { list: () => list<ProviderInfo>('/api/providers') },

    sessions: {
      /** Answers when there is a desktop for it, or `capacity` when there is none for a while. Aborting cancels it. */
      start: (body: StartSession, { signal }: { signal?: AbortSignal } = {}) =>
        http.request<StartedSession>('POST', '/api/auth/start', { body, ...(signal && { signal }) }),
      /** Newest first, 50 unless told otherwise. */
      list: (query: ListSessions = {}) => list<AuthSession>(withQuery('/api/auth/sessions', query)),
      get: (id: SessionId) => get<AuthSession>(session(id)),
      cancel: (id: SessionId) => http.request<AuthSession>('DELETE', session(id)),
      extend: (id: SessionId) => post<AuthSession>(`${session(id)}/extend`),
      /** What its machine wrote to the console: live, or as kept when the sign-in failed; otherwise empty. */
      console: async (id: SessionId) => (await http.open(`${session(id)}/console`)).text(),
      /** Asks for a ticket; the address works once, for 30 s. */
      async display(id: SessionId): Promise<DisplayAddress> {
        const { ticket: secret } = await ticket(id);
        return { url: http.webSocketUrl(`${session(id)}/novnc/websock`), protocols: ['binary', `ticket.${secret}`] };
      },
      /** The whole timeline, then live until the sign-in has ended. */
      events: (id: SessionId, follows?: FollowOptions): AsyncIterable<SequencedEvent<SessionEvent>> =>
        follow<SessionEvent>(
          http,
          `${session(id)}/events`,
          (event) => event.type === 'state' && isFinal(sessionMoves, event.state),
          follows,
        ),
    },

    credentials: {
      list: (query: ListCredentials = {}) => list<Credential>(withQuery('/api/credentials', query)),
      addApiKey: (request: AddApiKey) => post<Credential>('/api/credentials', request),
      rename: (id: CredentialId, label: string) => patch<Credential>(credential(id), { label }),
      remove: (id: CredentialId) => remove(credential(id)),
      /** The last seven days, as days of the time zone, which is this machine's unless told otherwise. */
      usage: (id: CredentialId, timeZone = localTimeZone()) =>
        get<AccountUsage>(withQuery(`${credential(id)}/usage`, { timeZone })),
      /** A tiny real run; answers the credential with its new status. */
      test: (id: CredentialId) => post<Credential>(`${credential(id)}/test`),
    },

    /** Which of one's lists to read again: first `all`, then live without an end, `all` again after a lost connection. */
    changes: (follows?: FollowOptions): AsyncIterable<SequencedEvent<ListChange>> =>
      follow<ListChange>(http, '/api/changes', () => false, follows),

    usage: {
      /** Of every account that was used in the last seven days, disconnected ones included. */
      list: (timeZone = localTimeZone()) => list<AccountUsage>(withQuery('/api/usage', { timeZone })),
    },

    sandboxes: {
      /** Those that are there. */
      list: () => list<Sandbox>('/api/sandboxes'),
      /** Also one that is gone, for a week. */
      get: (id: Sandbox['id']) => get<Sandbox>(sandbox(id)),
      /** Every change of its state so far, then live until it is gone. */
      events: (id: Sandbox['id'], follows?: FollowOptions): AsyncIterable<SequencedEvent<SandboxEvent>> =>
        follow<SandboxEvent>(http, `${sandbox(id)}/events`, ({ state }) => isFinal(sandboxMoves, state), follows),
      /** The newest part of what its machine wrote to the console. */
      console: async (id: Sandbox['id']) => (await http.open(`${sandbox(id)}/console`)).text(),
      /** By the id of its sign-in or run as well: live while it is there, else as kept when that ended badly. */
      logs: (id: SandboxOrOwnerId) => get<SandboxLogs>(`${sandbox(id)}/logs`),
      /** PNG of its desktop. */
      screenshot: async (id: SandboxOrOwnerId) => (await http.open(`${sandbox(id)}/screenshot`)).blob(),
      /** The same for an image in a page of the dashboard's own origin, whose login goes along. */
      screenshotUrl: (id: SandboxOrOwnerId) => `${sandbox(id)}/screenshot`,
    },

    runs: {
      start: (request: StartRun) => post<Run>('/api/runs', request),
      /** Newest first, 50 unless told otherwise. */
      list: (query: ListRuns = {}) => list<Run>(withQuery('/api/runs', query)),
      get: (id: RunId) => get<Run>(run(id)),
      cancel: (id: RunId) => post<Run>(`${run(id)}/cancel`),
      remove: (id: RunId) => remove(run(id)),
      /** Everything the run said so far, then live until it has ended. */
      stream: (id: RunId, follows?: FollowOptions): AsyncIterable<SequencedEvent<RunStreamEvent>> =>
        follow<RunStreamEvent>(
          http,
          `${run(id)}/events`,
          (event) => event.type === 'state' && isFinal(runMoves, event.state),
          follows,
        ),
    },
  };
}

function withQuery(path: string, query: Record<string, string | number | undefined>): string {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parts.set(name, String(value));
  return parts.size === 0 ? path : `${path}?${parts}`;
}

function localTimeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}
