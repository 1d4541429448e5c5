/** Follows a sign-in's events from its start to its end. */

import type { SequencedEvent, SessionEvent, SessionId } from '@polydev/protocol';
import { useEffect, useMemo, useState } from 'react';
import { polydev } from '../data/client.ts';
import { keys, refresh } from '../data/queries.ts';
import { timelineOf } from './timeline.ts';

interface Followed {
  events: SequencedEvent<SessionEvent>[];
  closed: boolean;
  error: unknown;
}

const nothing: Followed = { events: [], closed: false, error: null };

export function useTimeline(id: SessionId, createdAtMs: number | undefined) {
  const [followed, setFollowed] = useState(nothing);

  useEffect(() => {
    const stop = new AbortController();
    setFollowed(nothing);
    void follow(stop.signal);
    return () => stop.abort();

    async function follow(signal: AbortSignal): Promise<void> {
      try {
        for await (const item of polydev.sessions.events(id, { signal })) {
          setFollowed((before) => ({ ...before, events: [...before.events, item] }));
        }
      } catch (error) {
        if (!signal.aborted) setFollowed((before) => ({ ...before, error }));
      }
      if (signal.aborted) return;
      setFollowed((before) => ({ ...before, closed: true }));
      await Promise.all([refresh(keys.sessions), refresh(keys.credentials)]);
    }
  }, [id]);

  const { events, closed, error } = followed;
  const timeline = useMemo(() => timelineOf(events, createdAtMs ?? 0, closed), [events, createdAtMs, closed]);
  return { timeline, events, closed, error };
}
