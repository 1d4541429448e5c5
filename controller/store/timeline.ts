/** A timeline for one reader: what was, then what comes, and an end when nothing more can come. */

import type { SequencedEvent } from '@polydev/protocol';
import type { EventStream } from '../services.ts';
import type { EventLog, EventOf, StreamId } from './events.ts';

export interface TimelineState<E> {
  /** Nothing follows this event. */
  isLast(event: E): boolean;
  /** Settles when the work here that writes the timeline is over; undefined when it is not done here. */
  working: Promise<void> | undefined;
  /** The thing has ended, whether or not its last event is there. */
  ended: boolean;
}

/** A timeline without an end, such as one that was begun by an older version, is waited for so long. */
const lateMs = 1_000;

export function readTimeline<S extends StreamId>(
  log: EventLog,
  stream: S,
  afterSeq: number,
  signal: AbortSignal,
  state: TimelineState<EventOf<S>>,
): EventStream<EventOf<S>> {
  return Object.assign(read(log, stream, afterSeq, signal, state), { ended: state.ended });
}

async function* read<S extends StreamId>(
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
  // With the one that was seen already, which may be the last.
  const rows = await log.read(stream, Math.max(0, seen - 1));
  yield* rows.filter(({ seq }) => seq > seen);
  if (rows.some(({ event }) => isLast(event))) return;
  // A thing has ended a moment before its timeline says so.
  const late = AbortSignal.timeout(lateMs);
  for await (const row of log.follow(stream, rows.at(-1)?.seq ?? seen, AbortSignal.any([signal, late]))) {
    yield row;
    if (isLast(row.event)) return;
  }
}
