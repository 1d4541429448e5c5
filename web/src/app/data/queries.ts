/** What the pages read, and under which keys it is kept. */

import type {
  AuthSession,
  ListRuns,
  ListSessions,
  Run,
  RunId,
  SandboxLogs,
  SandboxOrOwnerId,
  SessionId,
  User,
} from '@polydev/protocol';
import { isFinal, sessionMoves } from '@polydev/protocol/states';
import { PolydevApiError } from '@polydev/sdk';
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { polydev } from './client.ts';
import { queryClient } from './query-client.ts';

export const keys = {
  me: ['me'],
  setup: ['setup'],
  tokens: ['tokens'],
  logins: ['logins'],
  usage: ['usage'],
  providers: ['providers'],
  credentials: ['credentials'],
  sessions: ['sessions'],
  session: (id: string) => ['sessions', id],
  sessionList: (filter: object) => ['sessions', 'list', filter],
  logs: (id: string) => ['logs', id],
  runs: ['runs'],
  runLists: ['runs', 'list'],
  runList: (filter: object) => ['runs', 'list', filter],
  run: (id: string) => ['runs', id],
} as const;

export const isOver = (session: AuthSession) => isFinal(sessionMoves, session.state);

const runsPage = 50;
const sessionsPage = 50;

/** Null: nobody is signed in. */
export function useMe() {
  return useQuery<User | null>({
    queryKey: keys.me,
    queryFn: async () => {
      try {
        return await polydev.me();
      } catch (error) {
        if (error instanceof PolydevApiError && error.code === 'not_signed_in') return null;
        throw error;
      }
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
}

const setupQuery = { queryKey: keys.setup, queryFn: polydev.setup.status };
export const useSetupNeeded = () => useQuery({ ...setupQuery, select: ({ needed }) => needed });
/** Local stand-ins answer instead of the real providers. */
export const useDemo = () =>
  useQuery({ ...setupQuery, staleTime: Number.POSITIVE_INFINITY, select: ({ demo }) => demo }).data === true;
export const useTokens = () => useQuery({ queryKey: keys.tokens, queryFn: polydev.tokens.list });
export const useLogins = () => useQuery({ queryKey: keys.logins, queryFn: polydev.logins.list });
/** The last seven days, by account. */
export const useUsage = () => useQuery({ queryKey: keys.usage, queryFn: () => polydev.usage.list() });
export const useCredentials = () => useQuery({ queryKey: keys.credentials, queryFn: () => polydev.credentials.list() });
export const useSessions = () => useQuery({ queryKey: keys.sessions, queryFn: () => polydev.sessions.list() });

export const useProviders = () =>
  useQuery({
    queryKey: keys.providers,
    queryFn: polydev.providers.list,
    staleTime: Number.POSITIVE_INFINITY,
  });

export const useSession = (id: SessionId) =>
  useQuery<AuthSession>({ queryKey: keys.session(id), queryFn: () => polydev.sessions.get(id) });

/** Of one kind, newest first; older ones when asked for. */
export const useSessionList = (filter: Pick<ListSessions, 'provider' | 'state'>) =>
  useInfiniteQuery({
    queryKey: keys.sessionList(filter),
    queryFn: ({ pageParam }) =>
      polydev.sessions.list({ limit: sessionsPage, ...filter, ...(pageParam ? { before: pageParam } : {}) }),
    initialPageParam: null as SessionId | null,
    getNextPageParam: (page) => (page.length < sessionsPage ? undefined : page.at(-1)?.id),
  });

/** What is known of the machine of a sign-in or run; null: nothing is kept. */
export const useLogs = (id: SandboxOrOwnerId) =>
  useQuery<SandboxLogs | null>({
    queryKey: keys.logs(id),
    queryFn: async () => {
      try {
        return await polydev.sandboxes.logs(id);
      } catch (error) {
        if (error instanceof PolydevApiError && error.code === 'not_found') return null;
        throw error;
      }
    },
  });

export const useRun = (id: RunId) => useQuery<Run>({ queryKey: keys.run(id), queryFn: () => polydev.runs.get(id) });

/** Newest first; older ones when asked for. `search`: those that mention each word. */
export const useRuns = (filter: Pick<ListRuns, 'search' | 'provider'> = {}) =>
  useInfiniteQuery({
    queryKey: keys.runList(filter),
    queryFn: ({ pageParam }) =>
      polydev.runs.list({ limit: runsPage, ...filter, ...(pageParam && { before: pageParam }) }),
    initialPageParam: null as RunId | null,
    getNextPageParam: (page) => (page.length < runsPage ? undefined : page.at(-1)?.id),
    placeholderData: keepPreviousData,
  });

export const refresh = (queryKey: readonly unknown[]) => queryClient.invalidateQueries({ queryKey });
