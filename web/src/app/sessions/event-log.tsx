/** What happened in a sign-in, line by line, each with the time since its start. */

import type { SequencedEvent, SessionEvent } from '@polydev/protocol';
import { classes } from '../../ui/classes.ts';
import { duration, exactTime } from '../../ui/times.ts';
import { eventLine, eventTone } from '../sign-in/words.ts';

export interface EventLogProps {
  events: readonly SequencedEvent<SessionEvent>[];
  createdAtMs: number;
}

const dots = { plain: 'bg-line-strong', good: 'bg-good', bad: 'bg-bad' } as const;

export function EventLog({ events, createdAtMs }: EventLogProps) {
  // That the credential was found is said when it was, before it is sealed.
  const told = events.filter(({ event }) => event.type !== 'state' || event.state !== 'captured');
  return (
    <ol className="grid grid-cols-[auto_auto_minmax(0,1fr)] gap-x-3 text-sm">
      {told.map(({ seq, atMs, event }, index) => {
        const tone = eventTone(event);
        return (
          <li key={seq} className="col-span-3 grid grid-cols-subgrid py-1">
            <time
              className="text-right whitespace-nowrap text-muted tabular-nums"
              dateTime={new Date(atMs).toISOString()}
              title={exactTime(atMs)}
            >
              {duration(atMs - createdAtMs)}
            </time>
            <span aria-hidden className="relative flex w-2 justify-center">
              {index < told.length - 1 && <span className="absolute top-2.5 -bottom-2.5 w-px bg-line" />}
              <span className={classes('relative mt-1.5 size-2 rounded-full', dots[tone])} />
            </span>
            <span className={classes('min-w-0 break-words', tone === 'bad' && 'font-medium')}>{eventLine(event)}</span>
          </li>
        );
      })}
    </ol>
  );
}
