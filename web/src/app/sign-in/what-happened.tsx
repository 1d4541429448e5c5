/** Folded away after a failure: the events with their times, the machine's console, and the way to the whole of it. */

import type { AuthSession, SequencedEvent, SessionEvent } from '@polydev/protocol';
import { Link } from 'react-router';
import { Folded } from '../../ui/folded.tsx';
import { sessionPath } from '../paths.ts';
import { EventLog } from '../sessions/event-log.tsx';
import { MachineConsole } from '../sessions/machine-logs.tsx';

export interface WhatHappenedProps {
  session: AuthSession;
  events: readonly SequencedEvent<SessionEvent>[];
}

export function WhatHappened({ session, events }: WhatHappenedProps) {
  return (
    <div className="mt-8 border-t border-line pt-3 text-left">
      <Folded title="What happened">
        {() => (
          <div className="rounded-md bg-sunken p-3">
            <EventLog events={events} createdAtMs={session.createdAtMs} />
          </div>
        )}
      </Folded>
      <MachineConsole id={session.id} />
      <Link
        to={sessionPath(session.id)}
        className="flex min-h-10 w-fit items-center rounded-md pr-2 pl-5.5 text-sm text-muted underline-offset-2 hover:text-text hover:underline"
      >
        This sign-in under Sessions
      </Link>
    </div>
  );
}
