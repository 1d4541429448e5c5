/** The browsers that are signed in, each to be signed out from here. */

import type { Login } from '@polydev/protocol';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { announce } from '../../ui/announcer.tsx';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/dialog.tsx';
import { FailureNote } from '../../ui/failure-note.tsx';
import { Time } from '../../ui/time.tsx';
import { polydev } from '../data/client.ts';
import { failureOf } from '../data/errors.ts';
import { keys, refresh, useLogins } from '../data/queries.ts';
import { ListBox, ListSkeleton } from './section.tsx';

const nameOf = ({ agent }: Login) => (agent === '' ? 'Some browser' : agent);

export function Logins() {
  const logins = useLogins();
  const [asking, setAsking] = useState(false);
  const endOthers = useMutation({
    mutationFn: polydev.logins.endOthers,
    async onSuccess() {
      announce('All other browsers are signed out.');
      setAsking(false);
      await refresh(keys.logins);
    },
  });
  if (logins.isError && logins.data === undefined)
    return <FailureNote {...failureOf(logins.error)} onRetry={() => void logins.refetch()} />;
  if (!logins.data) return <ListSkeleton />;
  return (
    <div className="space-y-3">
      <ListBox>
        {logins.data
          .toSorted((a, b) => Number(b.current) - Number(a.current) || b.lastSeenAtMs - a.lastSeenAtMs)
          .map((login) => (
            <LoginRow key={login.id} login={login} />
          ))}
      </ListBox>
      {logins.data.some(({ current }) => !current) && (
        <Button onClick={() => setAsking(true)}>Sign out all others</Button>
      )}
      <Confirm
        open={asking}
        onOpenChange={setAsking}
        title="Sign out all other browsers?"
        description="Whoever uses them needs the password again. API tokens stay."
        confirm="Sign out"
        cancel="Leave them"
        busy={endOthers.isPending}
        error={endOthers.isError && <FailureNote {...failureOf(endOthers.error)} />}
        onConfirm={() => endOthers.mutate()}
      />
    </div>
  );
}

function LoginRow({ login }: { login: Login }) {
  const end = useMutation({
    mutationFn: () => polydev.logins.end(login.id),
    async onSuccess() {
      announce(`${nameOf(login)} is signed out.`);
      await refresh(keys.logins);
    },
  });
  return (
    <li className="px-4 py-2.5">
      <div className="flex min-h-11 items-center gap-4">
        <div className="min-w-0 flex-1">
          <p className="truncate text-sm font-medium">{nameOf(login)}</p>
          <p className="text-xs text-muted">
            Signed in <Time atMs={login.createdAtMs} />
            {!login.current && (
              <>
                , seen <Time atMs={login.lastSeenAtMs} />
              </>
            )}
          </p>
        </div>
        {login.current ? (
          <span className="text-sm text-muted">This browser</span>
        ) : (
          <Button
            look="plain"
            className="-mr-3.5"
            busy={end.isPending}
            onClick={() => end.mutate()}
            aria-label={`Sign out ${nameOf(login)}`}
          >
            Sign out
          </Button>
        )}
      </div>
      {end.isError && <FailureNote {...failureOf(end.error)} className="mt-2" />}
    </li>
  );
}
