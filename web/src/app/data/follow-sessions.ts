/** Keeps the lists right while sign-ins are under way: every change of state is an event, none is asked for. */

import type { AuthSession } from '@polydev/protocol';
import { isFinal, sessionMoves } from '@polydev/protocol/states';
import { useEffect, useRef } from 'react';
import { polydev } from './client.ts';
import { keys, refresh } from './queries.ts';

export const isOver = (session: AuthSession) => isFinal(sessionMoves, session.state);

export function useFollowedSessions(sessions: readonly AuthSession[]): void {
  const followed = sessions
    .filter((session) => !isOver(session))
    .map(({ id }) => id)
    .join(' ');
  const before = useRef('');
  useEffect(() => {
    const ids = followed.split(' ').filter(Boolean) as AuthSession['id'][];
    // However it was heard of: a sign-in that has ended may have left a credential.
    if (before.current.split(' ').some((id) => !followed.includes(id))) void refresh(keys.credentials);
    before.current = followed;
    const stop = new AbortController();
    for (const id of ids) void follow(id, stop.signal);
    return () => stop.abort();
  }, [followed]);
}

async function follow(id: AuthSession['id'], signal: AbortSignal): Promise<void> {
  try {
    for await (const { event } of polydev.sessions.events(id, { signal })) {
      if (event.type === 'state') void refresh(keys.sessions);
    }
  } catch {
    // Gone meanwhile: the list says so.
    if (!signal.aborted) void refresh(keys.sessions);
  }
}
