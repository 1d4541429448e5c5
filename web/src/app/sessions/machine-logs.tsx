/** The newest of what a sign-in's machine wrote to its console, folded away until it is wanted. */

import type { SessionId } from '@polydev/protocol';
import { ChevronRight } from 'lucide-react';
import { useState } from 'react';
import { CopyButton } from '../../ui/copy-button.tsx';
import { FailureNote } from '../../ui/failure-note.tsx';
import { Skeleton } from '../../ui/skeleton.tsx';
import { failureOf } from '../data/errors.ts';
import { useSessionConsole } from '../data/queries.ts';

export function ConsoleTail({ id }: { id: SessionId }) {
  const [open, setOpen] = useState(false);
  const console = useSessionConsole(id, open);
  return (
    <details className="group text-left" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="flex min-h-10 w-fit list-none items-center gap-1.5 rounded-md pr-2 text-sm text-muted hover:text-text">
        <ChevronRight className="size-4 transition-transform group-open:rotate-90" aria-hidden />
        Console of its machine
      </summary>
      {console.isError ? (
        <FailureNote {...failureOf(console.error)} onRetry={() => void console.refetch()} />
      ) : console.data === undefined ? (
        <Skeleton className="h-24 w-full rounded-md" />
      ) : console.data.trim() === '' ? (
        <p className="rounded-md bg-sunken p-3 text-sm text-muted">
          Nothing is kept. The console is kept only of a sign-in that failed.
        </p>
      ) : (
        <div className="relative rounded-md bg-sunken">
          <CopyButton text={console.data} label="Copy the console" className="absolute top-1 right-3" />
          <section
            // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
            tabIndex={0}
            aria-label="Console"
            className="max-h-72 overflow-auto p-3 pr-14 outline-offset-[-2px] thin-scroll"
          >
            <pre className="text-xs leading-5 whitespace-pre-wrap break-words">{console.data.trimEnd()}</pre>
          </section>
        </div>
      )}
    </details>
  );
}
