/** Name and password of who is signed in, and the way out. */

import type { User } from '@polydev/protocol';
import { limits } from '@polydev/protocol/limits';
import { useMutation } from '@tanstack/react-query';
import { LogOut } from 'lucide-react';
import { type FormEvent, type ReactNode, useState } from 'react';
import { announce } from '../../ui/announcer.tsx';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { FailureNote } from '../../ui/failure-note.tsx';
import { Field } from '../../ui/field.tsx';
import { polydev } from '../data/client.ts';
import { failureOf } from '../data/errors.ts';
import { keys, refresh } from '../data/queries.ts';
import { queryClient } from '../data/query-client.ts';
import { useLogOut } from '../frame/top-bar.tsx';

export function Profile({ me }: { me: User }) {
  const [asking, setAsking] = useState<'name' | 'password' | null>(null);
  const logOut = useLogOut();
  const close = () => setAsking(null);
  return (
    <div className="rounded-lg border border-line bg-surface">
      <div className="flex flex-wrap items-center gap-4 p-4">
        <span
          aria-hidden
          className="grid size-11 shrink-0 place-items-center rounded-full bg-accent-soft text-lg font-semibold text-accent"
        >
          {[...me.name.trim()][0]?.toUpperCase()}
        </span>
        <div className="min-w-0 flex-1">
          <p className="truncate font-medium">{me.name}</p>
          <p className="text-sm text-muted">{me.role === 'owner' ? 'Owner' : 'Member'}</p>
        </div>
        <Button busy={logOut.isPending} onClick={() => logOut.mutate()}>
          <LogOut className="size-4" aria-hidden />
          Sign out
        </Button>
      </div>
      <div className="flex flex-wrap gap-2 border-t border-line px-0.5 py-2">
        <Button look="plain" onClick={() => setAsking('name')}>
          Change name
        </Button>
        <Button look="plain" onClick={() => setAsking('password')}>
          Change password
        </Button>
      </div>
      {asking === 'name' && <NameDialog me={me} onClose={close} />}
      {asking === 'password' && <PasswordDialog me={me} onClose={close} />}
    </div>
  );
}

function NameDialog({ me, onClose }: { me: User; onClose(): void }) {
  const [name, setName] = useState(me.name);
  const change = useMutation({
    mutationFn: () => polydev.profile.change({ name: name.trim() }),
    onSuccess(user) {
      queryClient.setQueryData(keys.me, user);
      announce(`Your name is ${user.name} now.`);
      onClose();
    },
  });
  return (
    <FormDialog
      title="Change name"
      description="You sign in with it, too."
      verb="Change name"
      busy={change.isPending}
      error={change.error}
      onSubmit={() => change.mutate()}
      onClose={onClose}
    >
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
    </FormDialog>
  );
}

function PasswordDialog({ me, onClose }: { me: User; onClose(): void }) {
  const [password, setPassword] = useState('');
  const [newPassword, setNewPassword] = useState('');
  const change = useMutation({
    mutationFn: () => polydev.profile.changePassword({ password, newPassword }),
    onSuccess() {
      announce('The password is changed. Other browsers are signed out.');
      void refresh(keys.logins);
      onClose();
    },
  });
  return (
    <FormDialog
      title="Change password"
      description="Every other browser is signed out. API tokens stay."
      verb="Change password"
      busy={change.isPending}
      error={change.error}
      onSubmit={() => change.mutate()}
      onClose={onClose}
    >
      {/* For password managers: whose password this is. */}
      <input type="text" value={me.name} autoComplete="username" readOnly hidden />
      <Field
        label="Current password"
        type="password"
        value={password}
        onChange={(event) => setPassword(event.target.value)}
        autoComplete="current-password"
        autoFocus
        required
      />
      <Field
        label="New password"
        type="password"
        value={newPassword}
        onChange={(event) => setNewPassword(event.target.value)}
        autoComplete="new-password"
        required
        minLength={limits.passwordMinLength}
        maxLength={1024}
        help={`At least ${limits.passwordMinLength} characters.`}
      />
    </FormDialog>
  );
}

interface FormDialogProps {
  title: string;
  description: string;
  verb: string;
  busy: boolean;
  error: unknown;
  onSubmit(): void;
  onClose(): void;
  children: ReactNode;
}

function FormDialog({ title, description, verb, busy, error, onSubmit, onClose, children }: FormDialogProps) {
  function submit(event: FormEvent): void {
    event.preventDefault();
    onSubmit();
  }
  return (
    <Dialog open onOpenChange={(next) => !next && onClose()} title={title} description={description}>
      <form onSubmit={submit} className="space-y-4">
        {children}
        {error !== null && <FailureNote {...failureOf(error)} />}
        <div className="flex justify-end gap-2 pt-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={busy}>
            {verb}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
