/** Keeps the lists of sign-ins, runs and accounts right, whoever changes them and from where: the server says which. */

import type { ListChange } from '@polydev/protocol';
import { useEffect } from 'react';
import { polydev } from './client.ts';
import { keys, refresh } from './queries.ts';

const changed: Readonly<Record<ListChange['list'], readonly (readonly unknown[])[]>> = {
  sessions: [keys.sessions],
  runs: [keys.runLists, keys.usage],
  credentials: [keys.credentials],
  all: [keys.sessions, keys.runLists, keys.usage, keys.credentials],
};

/** While the page can be seen: a browser has few connections to one address, and people have many tabs. */
export function useFollowedLists(): void {
  useEffect(() => {
    let following: AbortController | null = null;
    const look = () => {
      following?.abort();
      following = document.hidden ? null : new AbortController();
      if (following) void follow(following.signal);
    };
    look();
    document.addEventListener('visibilitychange', look);
    return () => {
      document.removeEventListener('visibilitychange', look);
      following?.abort();
    };
  }, []);
}

async function follow(signal: AbortSignal): Promise<void> {
  try {
    for await (const { event } of polydev.changes({ signal })) for (const key of changed[event.list]) void refresh(key);
  } catch {
    // Refused: who is no longer signed in hears so from the next thing that is asked for.
  }
}
