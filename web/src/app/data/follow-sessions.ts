/** Keeps the lists right while sign-ins are under way: every change of state is an event, none is asked for. */

import type { AuthSession } from '@polydev/protocol';
import { isFinal, sessionMoves } from '@polydev/protocol/states';
import { useEffect } from 'react';
import { polydev } from './client.ts';
import { keys, refresh } from './queries.ts';

export const isOver = (session: AuthSession) => isFinal(sessionMoves, session.state);

export function useFollowedSessions(sessions: readonly AuthSession[]): void {
  const followed = sessions
    .filter((session) => !isOver(session))
    .map(({ id }) => id)
    .join(' ');
  useEffect(() => {
    const stop = new AbortController();
    for (const id of followed.split(' ').filter(Boolean) as AuthSession['id'][]) void follow(id, stop.signal);
    return () => stop.abort();
  }, [followed]);
}

async function follow(id: AuthSession['id'], signal: AbortSignal): Promise<void> {
  try {
    for await (const { event, atMs } of polydev.sessions.events(id, { signal })) {
      // The history comes first; what it tells is already in the list.
      if (event.type === 'state' && atMs > polydev.serverNowMs() - 60_000) await refresh(keys.sessions);
    }
    if (!signal.aborted) await Promise.all([refresh(keys.sessions), refresh(keys.credentials)]);
  } catch {
    // Gone meanwhile: the list says so.
    if (!signal.aborted) await refresh(keys.sessions);
  }
}
