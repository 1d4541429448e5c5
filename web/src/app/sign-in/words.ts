/** What the steps of a sign-in are called, before, while and after they happen. */

import type { SessionEvent, SessionState } from '@polydev/protocol';
import type { Tone } from '../../ui/status.tsx';
import type { Step, StepName } from './timeline.ts';

const words: Record<StepName, { waiting: string; active: string; done: string; failed?: string }> = {
  machine: {
    waiting: 'Machine ready',
    active: 'Starting the machine',
    done: 'Machine ready',
    failed: 'No machine',
  },
  command: {
    waiting: 'Type in the terminal',
    active: 'Type in the terminal',
    done: 'Command given',
    failed: 'No command given',
  },
  page: {
    waiting: 'Sign-in page opens',
    active: 'Sign-in page opens',
    done: 'Sign-in page opened',
    failed: 'No sign-in page',
  },
  credential: {
    waiting: 'Credential found',
    active: 'Sign in on the page',
    done: 'Credential found',
    failed: 'No credential found',
  },
  sealed: { waiting: 'Sealed', active: 'Sealing the credential', done: 'Sealed', failed: 'Not sealed' },
  proof: { waiting: 'Proved', active: 'Proving it with one short prompt', done: 'Proved', failed: 'Not proved' },
  destroyed: { waiting: 'Desktop destroyed', active: 'Destroying the desktop', done: 'Desktop destroyed' },
};

export function stepTitle({ name, state }: Step): string {
  const { waiting, active, done, failed = waiting } = words[name];
  return { waiting, active, done, failed, skipped: waiting }[state];
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

/** Only ends have a colour of their own; everything before is under way. */
export const sessionTones: Partial<Record<SessionState, Tone>> = {
  connected: 'good',
  failed: 'bad',
  expired: 'warn',
  cancelled: 'neutral',
};

const partWords: Partial<Record<string, string>> = { display: 'Screen', terminal: 'Terminal', browser: 'Browser' };

/** One event as a line of the log. */
export function eventLine(event: SessionEvent): string {
  switch (event.type) {
    case 'state':
      return event.reason
        ? `${sessionStateWords[event.state]}: ${event.reason.message}`
        : sessionStateWords[event.state];
    case 'desktop':
      return `${partWords[event.part] ?? event.part} ${event.up ? 'up' : 'down'}`;
    case 'opened':
      return `Opened ${event.page}`;
    case 'credential_found':
      return 'The tool saved its credential';
    case 'sealed':
      return `Sealed in the vault, ${event.tookMs} ms after it was saved`;
    case 'proof':
      return `Proved: the tool answered “${event.text.trim()}”`;
    case 'extended':
      return 'Time added';
    case 'idle':
      return 'No activity';
    case 'active':
      return 'Active again';
    case 'destroyed':
      return 'Desktop destroyed';
  }
}

export function eventTone(event: SessionEvent): 'plain' | 'good' | 'bad' {
  if (event.type === 'desktop') return event.up ? 'plain' : 'bad';
  if (event.type !== 'state') return 'plain';
  return event.state === 'connected' ? 'good' : event.state === 'failed' ? 'bad' : 'plain';
}
