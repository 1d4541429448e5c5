/** What is known of the machine of a sign-in or run, each part folded away: live, or as kept when it ended badly. */

import type { SandboxLogs, SandboxOrOwnerId } from '@polydev/protocol';
import type { ReactNode } from 'react';
import { CopyButton } from '../../ui/copy-button.tsx';
import { FailureNote } from '../../ui/failure-note.tsx';
import { Folded } from '../../ui/folded.tsx';
import { Skeleton } from '../../ui/skeleton.tsx';
import { polydev } from '../data/client.ts';
import { failureOf } from '../data/errors.ts';
import { useLogs } from '../data/queries.ts';

interface MachineProps {
  /** Of the sign-in or run. */
  id: SandboxOrOwnerId;
}

export function MachineConsole({ id }: MachineProps) {
  return (
    <Folded title="Console of its machine">
      {() => <Known id={id}>{({ console }) => <Tail name="console" text={console} />}</Known>}
    </Folded>
  );
}

export function MachineJournal({ id }: MachineProps) {
  return (
    <Folded title="Journal of its machine">
      {() => <Known id={id}>{({ journal }) => <Tail name="journal" text={journal} />}</Known>}
    </Folded>
  );
}

export function DesktopPicture({ id, live }: MachineProps & { live: boolean }) {
  return (
    <Folded title={live ? 'Picture of its desktop' : 'Last picture of its desktop'}>
      {() => (
        <Known id={id}>
          {({ picture }) =>
            picture ? (
              <a
                href={polydev.sandboxes.screenshotUrl(id)}
                target="_blank"
                rel="noreferrer"
                className="block overflow-hidden rounded-md border border-line"
              >
                <img
                  src={polydev.sandboxes.screenshotUrl(id)}
                  alt={live ? 'The desktop as it is now' : 'The desktop as it was seen last'}
                  className="aspect-video w-full bg-sunken object-contain"
                />
              </a>
            ) : (
              <Nothing>There is no picture of it.</Nothing>
            )
          }
        </Known>
      )}
    </Folded>
  );
}

function Known({ id, children }: MachineProps & { children(logs: SandboxLogs): ReactNode }) {
  const logs = useLogs(id);
  if (logs.data) return children(logs.data);
  if (logs.data === null) return <Nothing>Nothing was kept of it.</Nothing>;
  if (logs.isError) return <FailureNote {...failureOf(logs.error)} onRetry={() => void logs.refetch()} />;
  return <Skeleton className="h-24 w-full rounded-md" />;
}

function Tail({ name, text }: { name: string; text: string }) {
  if (text.trim() === '') return <Nothing>Empty.</Nothing>;
  return (
    <div className="relative rounded-md bg-sunken">
      <CopyButton text={text} label={`Copy the ${name}`} className="absolute top-1 right-3" />
      <section
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
        tabIndex={0}
        aria-label={name === 'console' ? 'Console' : 'Journal'}
        className="max-h-72 overflow-auto p-3 pr-14 outline-offset-[-2px] thin-scroll"
      >
        <pre className="text-xs leading-5 whitespace-pre-wrap break-words">{text.trimEnd()}</pre>
      </section>
    </div>
  );
}

function Nothing({ children }: { children: ReactNode }) {
  return <p className="rounded-md bg-sunken p-3 text-sm text-muted">{children}</p>;
}
