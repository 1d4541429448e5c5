/** A typed client of Polydev's HTTP API, for browsers (login cookie) and for programs (API token). */

import type {
  AddApiKey,
  ApiToken,
  AuthSession,
  CreatedApiToken,
  Credential,
  CredentialId,
  LoginRequest,
  ProviderInfo,
  Run,
  RunId,
  RunStreamEvent,
  Sandbox,
  SequencedEvent,
  SessionEvent,
  SessionId,
  SetupRequest,
  StartedSession,
  StartRun,
  StartSession,
  Ticket,
  User,
} from '@polydev/protocol';
import { isFinal, runMoves, sessionMoves } from '@polydev/protocol/states';
import { type FollowOptions, follow } from './follow.ts';
import { createHttp, type PolydevOptions } from './http.ts';

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

export interface ListRuns {
  limit?: number;
  /** Only what is older than this run. */
  before?: RunId;
}

export type Polydev = ReturnType<typeof createPolydev>;

export function createPolydev(options: PolydevOptions) {
  const http = createHttp(options);
  const get = <T>(path: string) => http.request<T>('GET', path);
  const post = <T>(path: string, body?: unknown) => http.request<T>('POST', path, { body });
  const remove = (path: string) => http.request<void>('DELETE', path);
  const list = async <T>(path: string) => (await get<Items<T>>(path)).items;

  const session = (id: SessionId) => `/api/auth/session/${encodeURIComponent(id)}`;
  const credential = (id: CredentialId) => `/api/credentials/${encodeURIComponent(id)}`;
  const run = (id: RunId) => `/api/runs/${encodeURIComponent(id)}`;
  const ticket = (id: SessionId) => post<Ticket>(`${session(id)}/ticket`);

  return {
    /** The server's clock, for countdowns on a machine whose own clock is off. */
    serverNowMs: http.serverNowMs,

    setup: {
      needed: async () => (await get<{ needed: boolean }>('/api/setup')).needed,
      complete: (request: SetupRequest) => post<User>('/api/setup', request),
    },
    login: (request: LoginRequest) => post<User>('/api/login', request),
    logout: () => post<void>('/api/logout'),
    me: () => get<User>('/api/me'),

    tokens: {
      list: () => list<ApiToken>('/api/tokens'),
      create: (name: string) => post<CreatedApiToken>('/api/tokens', { name }),
      revoke: (id: ApiToken['id']) => remove(`/api/tokens/${encodeURIComponent(id)}`),
    },

    providers: { list: () => list<ProviderInfo>('/api/providers') },

    sessions: {
      start: (request: StartSession) => post<StartedSession>('/api/auth/start', request),
      list: () => list<AuthSession>('/api/auth/sessions'),
      get: (id: SessionId) => get<AuthSession>(session(id)),
      cancel: (id: SessionId) => http.request<AuthSession>('DELETE', session(id)),
      extend: (id: SessionId) => post<AuthSession>(`${session(id)}/extend`),
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
      list: () => list<Credential>('/api/credentials'),
      addApiKey: (request: AddApiKey) => post<Credential>('/api/credentials', request),
      remove: (id: CredentialId) => remove(credential(id)),
      /** A tiny real run; answers the credential with its new status. */
      test: (id: CredentialId) => post<Credential>(`${credential(id)}/test`),
    },

    sandboxes: {
      list: () => list<Sandbox>('/api/sandboxes'),
      /** The newest part of what its machine wrote to the console. */
      console: async (id: Sandbox['id']) =>
        (await http.open(`/api/sandboxes/${encodeURIComponent(id)}/console`)).text(),
    },

    runs: {
      start: (request: StartRun) => post<Run>('/api/runs', request),
      /** Newest first. */
      list({ limit, before }: ListRuns = {}) {
        const query = new URLSearchParams();
        if (limit !== undefined) query.set('limit', String(limit));
        if (before !== undefined) query.set('before', before);
        return list<Run>(query.size === 0 ? '/api/runs' : `/api/runs?${query}`);
      },
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
