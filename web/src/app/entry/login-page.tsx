/** Name and password. */

import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Navigate, useSearchParams } from 'react-router';
import { Button } from '../../ui/button.tsx';
import { FailureNote } from '../../ui/failure-note.tsx';
import { Field } from '../../ui/field.tsx';
import { Note } from '../../ui/note.tsx';
import { polydev } from '../data/client.ts';
import { failureOf } from '../data/errors.ts';
import { keys, useMe, useSetupNeeded } from '../data/queries.ts';
import { queryClient } from '../data/query-client.ts';
import { useTitle } from '../frame/title.ts';
import { safeNext } from '../paths.ts';
import { EntryLayout } from './entry-layout.tsx';

export function LoginPage() {
  useTitle('Sign in');
  const [search] = useSearchParams();
  const me = useMe();
  const setup = useSetupNeeded();
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const login = useMutation({
    mutationFn: polydev.login,
    onSuccess: (user) => queryClient.setQueryData(keys.me, user),
  });

  if (me.data) return <Navigate to={safeNext(search.get('next'))} replace />;

  function submit(event: FormEvent): void {
    event.preventDefault();
    login.mutate({ name: name.trim(), password });
  }

  return (
    <EntryLayout title="Sign in to Polydev" intro="Your AI tools, signed in once.">
      {setup.data && (
        <Note tone="info" title="This Polydev is new" className="mb-6">
          Open the set-up link that was printed in the terminal to make the first account.
        </Note>
      )}
      <form onSubmit={submit} className="space-y-5">
        <Field
          label="Name"
          value={name}
          onChange={(event) => setName(event.target.value)}
          autoComplete="username"
          autoFocus
          required
          maxLength={64}
        />
        <Field
          label="Password"
          type="password"
          value={password}
          onChange={(event) => setPassword(event.target.value)}
          autoComplete="current-password"
          required
        />
        {login.isError && <FailureNote {...failureOf(login.error)} />}
        <Button type="submit" look="primary" className="h-11 w-full" busy={login.isPending}>
          Sign in
        </Button>
      </form>
    </EntryLayout>
  );
}
