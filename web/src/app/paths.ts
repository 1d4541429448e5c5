/** Every address of the dashboard is made here. */

import type { ProviderId, RunId, SessionId } from '@polydev/protocol';

export const paths = {
  connections: '/dashboard/remote-cli',
  signIn: '/dashboard/remote-cli/auth',
  runs: '/dashboard/runs',
  sessions: '/dashboard/sessions',
  settings: '/dashboard/settings',
} as const;

export const signInPath = (id: SessionId) => `${paths.signIn}?sessionId=${encodeURIComponent(id)}`;
export const runPath = (id: RunId) => `${paths.runs}/${encodeURIComponent(id)}`;
/** A new prompt for this tool. */
export const promptPath = (provider: ProviderId) => `${paths.runs}?provider=${provider}`;
export const historyPath = (name: string) => `${paths.runs}?search=${encodeURIComponent(name)}`;
export const loginPath = (next: string) => `/login?next=${encodeURIComponent(next)}`;

/** Where to go after signing in: only ever a page of the dashboard. */
export function safeNext(next: string | null): string {
  return next?.startsWith('/dashboard/') ? next : paths.connections;
}
