/** What the steps of a sign-in are called, before, while and after they happen. */

import type { SessionEvent, SessionState } from '@polydev/protocol';
import type { Step, StepName } from './timeline.ts';

const words: Record<StepName, { waiting: string; active: string; done: string }> = {
  machine: { waiting: 'Machine ready', active: 'Starting the machine', done: 'Machine ready' },
  command: { waiting: 'Type in the terminal', active: 'Type in the terminal', done: 'Command given' },
  page: { waiting: 'Sign-in page opens', active: 'Sign-in page opens', done: 'Sign-in page opened' },
  credential: { waiting: 'Credential found', active: 'Sign in on the page', done: 'Credential found' },
  sealed: { waiting: 'Sealed', active: 'Sealing the credential', done: 'Sealed' },
  proof: { waiting: 'Proved', active: 'Proving it with one short prompt', done: 'Proved' },
  destroyed: { waiting: 'Desktop destroyed', active: 'Destroying the desktop', done: 'Desktop destroyed' },
};

export function stepTitle({ name, state }: Step): string {
  if (state === 'active') return words[name].active;
  return state === 'done' ? words[name].done : words[name].waiting;
}

export const sessionStateWords: Record<SessionState, string> = {
  pending: 'Waiting for a machine',
  starting: 'Starting',
  ready: 'Ready',
  signing_in: 'Signing in',
  captured: 'Credential found',
  verifying: 'Proving',
  connected: 'Connected',
  failed: 'Failed',
  expired: 'Ran out of time',
  cancelled: 'Cancelled',
};

/** One event as a line of the log that is folded away. */
export function eventLine(event: SessionEvent): string {
  switch (event.type) {
    case 'state':
      return event.reason
        ? `${sessionStateWords[event.state]}: ${event.reason.message}`
        : sessionStateWords[event.state];
    case 'desktop':
      return `${event.part} ${event.up ? 'up' : 'down'}`;
    case 'opened':
      return `opened ${event.page}`;
    case 'credential_found':
      return 'credential found';
    case 'sealed':
      return `sealed, ${event.tookMs} ms after it was saved`;
    case 'proof':
      return `proof: ${event.text}`;
    case 'extended':
      return 'time added';
    case 'destroyed':
      return 'desktop destroyed';
  }
}
