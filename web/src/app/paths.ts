/** Every address of the dashboard is made here. */

import type { CredentialId, ProviderId, RunId, SessionId } from '@polydev/protocol';

export const paths = {
  connections: '/dashboard/remote-cli',
  signIn: '/dashboard/remote-cli/auth',
  runs: '/dashboard/runs',
  sessions: '/dashboard/sessions',
  settings: '/dashboard/settings',
} as const;

export const signInPath = (id: SessionId) => `${paths.signIn}?sessionId=${encodeURIComponent(id)}`;
export const sessionPath = (id: SessionId) => `${paths.sessions}/${encodeURIComponent(id)}`;
export const runPath = (id: RunId) => `${paths.runs}/${encodeURIComponent(id)}`;
/** A new prompt for this tool, or for this account of it. */
export const promptPath = (target: ProviderId | CredentialId) => `${paths.runs}?provider=${target}`;
/** Connections, with the question for this tool's API key. */
export const apiKeyPath = (provider: ProviderId) => `${paths.connections}?key=${provider}`;
/** The runs of this tool alone. */
export const historyPath = (provider: ProviderId) => `${paths.runs}?only=${provider}`;
export const loginPath = (next: string) => `/login?next=${encodeURIComponent(next)}`;

/** Where to go after signing in: only ever a page of the dashboard. */
export function safeNext(next: string | null): string {
  return next?.startsWith('/dashboard/') ? next : paths.connections;
}
