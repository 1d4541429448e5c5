/** A timeline for one reader: what was, then what comes, and an end when nothing more can come. */

import type { SequencedEvent } from '@polydev/protocol';
import type { EventLog, EventOf, StreamId } from './events.ts';

export interface TimelineState<E> {
  /** Nothing follows this event. */
  isLast(event: E): boolean;
  /** Settles when the work here that writes the timeline is over; undefined when it is not done here. */
  working: Promise<void> | undefined;
  /** The thing has ended, whether or not its last event is there. */
  ended: boolean;
}

export async function* readTimeline<S extends StreamId>(
  log: EventLog,
  stream: S,
  afterSeq: number,
  signal: AbortSignal,
  { isLast, working, ended }: TimelineState<EventOf<S>>,
): AsyncGenerator<SequencedEvent<EventOf<S>>, void, undefined> {
  let seen = afterSeq;
  if (working || !ended) {
    const over = new AbortController();
    working?.finally(() => over.abort()).catch(() => {});
    for await (const row of log.follow(stream, afterSeq, AbortSignal.any([signal, over.signal]))) {
      yield row;
      seen = row.seq;
      if (isLast(row.event)) return;
    }
  }
  if (signal.aborted) return;
  yield* await log.read(stream, seen);
}
