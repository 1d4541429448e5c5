/** Folded away after a failure: the events with their times, the machine's console, and the way to the whole of it. */

import type { AuthSession, SequencedEvent, SessionEvent } from '@polydev/protocol';
import { ChevronRight } from 'lucide-react';
import { Link } from 'react-router';
import { sessionPath } from '../paths.ts';
import { ConsoleTail } from '../sessions/console-tail.tsx';
import { EventLog } from '../sessions/event-log.tsx';

export interface WhatHappenedProps {
  session: AuthSession;
  events: readonly SequencedEvent<SessionEvent>[];
}

export function WhatHappened({ session, events }: WhatHappenedProps) {
  return (
    <div className="mt-8 border-t border-line pt-3 text-left">
      <details className="group">
        <summary className="flex min-h-10 w-fit list-none items-center gap-1.5 rounded-md pr-2 text-sm text-muted hover:text-text">
          <ChevronRight className="size-4 transition-transform group-open:rotate-90" aria-hidden />
          What happened
        </summary>
        <div className="rounded-md bg-sunken p-3">
          <EventLog events={events} createdAtMs={session.createdAtMs} />
        </div>
      </details>
      <ConsoleTail id={session.id} />
      <Link
        to={sessionPath(session.id)}
        className="flex min-h-10 w-fit items-center rounded-md pr-2 pl-5.5 text-sm text-muted underline-offset-2 hover:text-text hover:underline"
      >
        This sign-in under Sessions
      </Link>
    </div>
  );
}
