/** Follows a stream of numbered events to its end, through dropped connections, without a gap or a repeat. */

import type { SequencedEvent } from '@polydev/protocol';
import { limits } from '@polydev/protocol/limits';
import { PolydevApiError } from './errors.ts';
import type { Http } from './http.ts';
import { readServerSentEvents } from './server-sent-events.ts';

export interface FollowOptions {
  /** Only what comes after the event with this number. */
  after?: number;
  /** Aborting ends the iteration quietly. */
  signal?: AbortSignal;
  /** Told when the connection is lost, and again (null) when it is back. */
  onInterrupted?: (error: unknown) => void;
}

const firstPauseMs = 250;
const longestPauseMs = 5000;

/** `isLast` knows the event after which the server closes the stream for good. */
export async function* follow<E>(
  http: Http,
  path: string,
  isLast: (event: E) => boolean,
  { after = 0, signal, onInterrupted }: FollowOptions = {},
): AsyncGenerator<SequencedEvent<E>, void, undefined> {
  const stop = new AbortController();
  const abort = () => stop.abort();
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted) stop.abort();

  let seq = after;
  let pauseMs = firstPauseMs;
  let ended = false;
  let interrupted = false;
  /** Answers in a row that ended cleanly and said nothing: the second one is believed. */
  let emptyAnswers = 0;
  try {
    while (!stop.signal.aborted) {
      const quiet = new AbortController();
      let quietTimer = setTimeout(() => quiet.abort(), limits.streamSilenceMs);
      try {
        const headers: Record<string, string> = { accept: 'text/event-stream' };
        if (seq > 0) headers['last-event-id'] = String(seq);
        const response = await http.open(path, headers, AbortSignal.any([stop.signal, quiet.signal]));
        if (interrupted) onInterrupted?.(null);
        interrupted = false;
        if (response.status === 204 || response.body === null) return;
        let silent = true;
        for await (const message of readServerSentEvents(response.body)) {
          clearTimeout(quietTimer);
          quietTimer = setTimeout(() => quiet.abort(), limits.streamSilenceMs);
          pauseMs = firstPauseMs;
          silent = false;
          if (message === null) continue;
          const item = JSON.parse(message.data) as SequencedEvent<E>;
          if (item.seq <= seq) continue;
          seq = item.seq;
          if (isLast(item.event)) ended = true;
          yield item;
        }
        emptyAnswers = silent ? emptyAnswers + 1 : 0;
        if (ended || emptyAnswers === 2) return;
      } catch (error) {
        if (stop.signal.aborted || ended) return;
        if (error instanceof PolydevApiError && !error.passing) throw error;
        if (!interrupted) onInterrupted?.(error);
        interrupted = true;
      } finally {
        clearTimeout(quietTimer);
      }
      await pause(pauseMs, stop.signal);
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    }
  } finally {
    signal?.removeEventListener('abort', abort);
    stop.abort();
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
  });
}
