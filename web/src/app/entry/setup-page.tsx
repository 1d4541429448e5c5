/** The first start: name and password of the owner, nothing more. The one-time token stands behind the #. */

import { limits } from '@polydev/protocol/limits';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { Button, ButtonLink } from '../../ui/button.tsx';
import { FailureNote } from '../../ui/failure-note.tsx';
import { Field } from '../../ui/field.tsx';
import { Note } from '../../ui/note.tsx';
import { polydev } from '../data/client.ts';
import { failureOf } from '../data/errors.ts';
import { keys, useSetupNeeded } from '../data/queries.ts';
import { queryClient } from '../data/query-client.ts';
import { useTitle } from '../frame/title.ts';
import { paths } from '../paths.ts';
import { EntryLayout } from './entry-layout.tsx';

/** `#token`, or `#token=token`. */
function setupTokenOf(fragment: string): string {
  const text = fragment.replace(/^#/, '');
  return new URLSearchParams(text).get('token') ?? text;
}

export function SetupPage() {
  useTitle('Set up');
  const { hash } = useLocation();
  const setupToken = setupTokenOf(hash);
  const setup = useSetupNeeded();

  if (setup.data === false) {
    return (
      <EntryLayout title="Already set up" intro="The set-up link works once, and it has been used.">
        <ButtonLink to="/login" look="primary" className="h-11 w-full">
          Sign in
        </ButtonLink>
      </EntryLayout>
    );
  }
  return (
    <EntryLayout title="Welcome to Polydev" intro="Make the first account. It owns this Polydev.">
      {setupToken === '' ? (
        <Note tone="warn" title="The set-up link is not complete">
          Open the whole link that the terminal printed, with everything behind the #.
        </Note>
      ) : (
        <SetupForm setupToken={setupToken} />
      )}
    </EntryLayout>
  );
}

function SetupForm({ setupToken }: { setupToken: string }) {
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const complete = useMutation({
    mutationFn: polydev.setup.complete,
    onSuccess: (user) => {
      queryClient.setQueryData(keys.me, user);
      void navigate(paths.connections, { replace: true });
    },
  });

  function submit(event: FormEvent): void {
    event.preventDefault();
    complete.mutate({ setupToken, name: name.trim(), password });
  }

  return (
    <form onSubmit={submit} className="space-y-5">
      <Field
        label="Name"
        value={name}
        onChange={(event) => setName(event.target.value)}
        autoComplete="username"
        autoFocus
        required
        maxLength={64}
        pattern=".*\S.*"
      />
      <Field
        label="Password"
        type="password"
        value={password}
        onChange={(event) => setPassword(event.target.value)}
        autoComplete="new-password"
        required
        minLength={limits.passwordMinLength}
        help={`At least ${limits.passwordMinLength} characters. A few words in a row are good.`}
      />
      {complete.isError && <FailureNote {...failureOf(complete.error)} />}
      <Button type="submit" look="primary" className="h-11 w-full" busy={complete.isPending}>
        Create account
      </Button>
    </form>
  );
}
