/** Follows a run from its first event. Many events a second become at most one drawing a frame. */

import type { RunId } from '@polydev/protocol';
import { useEffect, useState } from 'react';
import { polydev } from '../data/client.ts';
import { keys, refresh } from '../data/queries.ts';
import { addEvent, emptyView, type RunView } from './run-view.ts';

export interface FollowedRun {
  view: RunView;
  /** Nothing more will come. */
  closed: boolean;
  /** The connection is lost; it is being resumed. */
  interrupted: boolean;
}

const nothing: FollowedRun = { view: emptyView, closed: false, interrupted: false };

export function useRunStream(id: RunId): FollowedRun {
  const [followed, setFollowed] = useState(nothing);

  useEffect(() => {
    const stop = new AbortController();
    let current = nothing;
    let frame = 0;
    setFollowed(nothing);

    function show(next: FollowedRun): void {
      current = next;
      // A hidden page draws no frames: there it is drawn at once.
      if (document.visibilityState === 'hidden') setFollowed(current);
      else frame ||= requestAnimationFrame(draw);
    }

    function draw(): void {
      frame = 0;
      if (!stop.signal.aborted) setFollowed(current);
    }

    async function follow(): Promise<void> {
      try {
        const events = polydev.runs.stream(id, {
          signal: stop.signal,
          onInterrupted: (error) => show({ ...current, interrupted: error !== null }),
        });
        for await (const { event } of events) show({ ...current, view: addEvent(current.view, event) });
      } catch {
        // The run itself, which is asked for now, says what is left to say.
      }
      if (stop.signal.aborted) return;
      await refresh(keys.runs);
      if (!stop.signal.aborted) show({ ...current, closed: true, interrupted: false });
    }

    void follow();
    return () => {
      stop.abort();
      cancelAnimationFrame(frame);
    };
  }, [id]);

  return followed;
}
