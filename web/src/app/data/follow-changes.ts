/** Keeps every list right, whoever changes it and from where: the server says which one, none is asked for. */

import type { ListChange } from '@polydev/protocol';
import { useEffect } from 'react';
import { polydev } from './client.ts';
import { keys, refresh } from './queries.ts';

/** A run that ends may have shown that its account has expired, and a sign-in that ends may have made one. */
const changed: Readonly<Record<ListChange['list'], readonly (readonly unknown[])[]>> = {
  sessions: [keys.sessions, keys.credentials],
  runs: [keys.runLists, keys.credentials],
  credentials: [keys.credentials],
  all: [keys.sessions, keys.runLists, keys.credentials],
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
    // No longer signed in: the next thing that is asked for says so.
  }
}
