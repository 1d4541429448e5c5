/** Folded away after a failure: the timeline with its times, and the machine's console. */

import type { AuthSession, SequencedEvent, SessionEvent } from '@polydev/protocol';
import { useQuery } from '@tanstack/react-query';
import { ChevronRight } from 'lucide-react';
import { useState } from 'react';
import { duration } from '../../ui/times.ts';
import { polydev } from '../data/client.ts';
import { failureOf } from '../data/errors.ts';
import { eventLine } from './words.ts';

export function WhatHappened({
  session,
  events,
}: {
  session: AuthSession;
  events: readonly SequencedEvent<SessionEvent>[];
}) {
  const [open, setOpen] = useState(false);
  const { sandboxId } = session;
  const console = useQuery({
    queryKey: ['console', sandboxId],
    queryFn: async () => (sandboxId === null ? '' : polydev.sandboxes.console(sandboxId)),
    enabled: open && sandboxId !== null,
    retry: false,
  });
  return (
    <details className="group mt-8 text-left" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="mx-auto flex min-h-10 w-fit list-none items-center gap-1.5 rounded-md px-2 text-sm text-muted hover:text-text">
        <ChevronRight className="size-4 transition-transform group-open:rotate-90" aria-hidden />
        What happened
      </summary>
      <div className="mt-2 max-h-64 overflow-auto rounded-md bg-sunken p-3 font-mono text-xs leading-5 thin-scroll">
        {events.map(({ seq, atMs, event }) => (
          <div key={seq} className="flex gap-3">
            <span className="w-16 shrink-0 text-right text-muted">{duration(atMs - session.createdAtMs)}</span>
            <span className="min-w-0 break-words">{eventLine(event)}</span>
          </div>
        ))}
        <p className="mt-2 text-muted">{session.id}</p>
      </div>
      {sandboxId !== null && (
        <pre className="mt-2 max-h-64 overflow-auto rounded-md bg-sunken p-3 text-xs leading-5 whitespace-pre-wrap thin-scroll">
          {console.isError
            ? `Console: ${failureOf(console.error).message}`
            : console.data === ''
              ? 'The console is empty.'
              : (console.data ?? 'Reading the console.')}
        </pre>
      )}
    </details>
  );
}
