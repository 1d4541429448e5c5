/** Waits for the end of a session, wherever it runs, and puts it in a sentence. */

import { isFinal, type SessionId, type SessionState, sessionMoves } from '@polydev/protocol';
import type { EventLog } from '../store/events.ts';

const sentences: Partial<Record<SessionState, string>> = {
  connected: 'Successfully connected.',
  expired: 'The time to sign in is over.',
  cancelled: 'The sign-in was cancelled.',
  failed: 'The sign-in failed.',
};

export async function sessionEnd(events: EventLog, id: SessionId, signal: AbortSignal): Promise<string> {
  for await (const { event } of events.follow(id, 0, signal)) {
    if (event.type === 'state' && isFinal(sessionMoves, event.state))
      return event.reason?.message ?? sentences[event.state] ?? 'The sign-in has ended.';
  }
  return 'The viewer left.';
}
