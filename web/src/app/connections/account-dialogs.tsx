/** One more account of a tool, and another name for one: the label keeps them apart. */

import type { Credential, ProviderInfo } from '@polydev/protocol';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { announce } from '../../ui/announcer.tsx';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { FailureNote } from '../../ui/failure-note.tsx';
import { Field } from '../../ui/field.tsx';
import { polydev } from '../data/client.ts';
import { failureOf } from '../data/errors.ts';
import { keys, refresh } from '../data/queries.ts';
import { accountName, noLabel } from './card-state.ts';
import { useStartSignIn } from './use-start-sign-in.ts';
import { WaitingForDesktop } from './waiting-for-desktop.tsx';

const labelMaxLength = 64;

export interface AnotherAccountProps {
  provider: ProviderInfo;
  credentials: readonly Credential[];
  onApiKey(label: string): void;
  onClose(): void;
}

export function AnotherAccountDialog({ provider, credentials, onApiKey, onClose }: AnotherAccountProps) {
  const [label, setLabel] = useState('');
  const signIn = useStartSignIn();
  const name = label.trim();
  const taken = credentials.some((credential) => credential.label === name);
  const ready = name !== '' && !taken;

  function submit(event: FormEvent): void {
    event.preventDefault();
    if (ready) signIn.mutate({ provider: provider.id, label: name, newAccount: true });
  }

  return (
    <Dialog
      open
      onOpenChange={(next) => !next && onClose()}
      title={`Another account of ${provider.name}`}
      description="A name tells it apart where you choose what to run with."
    >
      <form onSubmit={submit}>
        <Field
          label="Name of the account"
          value={label}
          onChange={(event) => setLabel(event.target.value)}
          placeholder="work"
          autoComplete="off"
          autoFocus
          required
          maxLength={labelMaxLength}
          error={taken ? 'An account has this name already.' : undefined}
        />
        <WaitingForDesktop waiting={signIn.isPending} />
        {signIn.isError && <FailureNote {...failureOf(signIn.error)} className="mt-4" />}
        <div className="mt-6 flex flex-wrap justify-end gap-2">
          <Button disabled={!ready} onClick={() => onApiKey(name)}>
            Use an API key
          </Button>
          <Button type="submit" look="primary" disabled={!ready} busy={signIn.isPending}>
            Sign in
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

export function RenameDialog({ credential, onClose }: { credential: Credential; onClose(): void }) {
  const [label, setLabel] = useState(credential.label === noLabel ? '' : credential.label);
  const rename = useMutation({
    mutationFn: () => polydev.credentials.rename(credential.id, label.trim()),
    async onSuccess() {
      announce(`The account is called ${label.trim()} now.`);
      await refresh(keys.credentials);
      onClose();
    },
  });

  function submit(event: FormEvent): void {
    event.preventDefault();
    rename.mutate();
  }

  return (
    <Dialog
      open
      onOpenChange={(next) => !next && onClose()}
      title="Rename the account"
      description={`It is called ${accountName(credential)} now. Scripts that name it need the new name, too.`}
    >
      <form onSubmit={submit}>
        <Field
          label="Name of the account"
          value={label}
          onChange={(event) => setLabel(event.target.value)}
          autoComplete="off"
          autoFocus
          required
          pattern=".*\S.*"
          maxLength={labelMaxLength}
        />
        {rename.isError && <FailureNote {...failureOf(rename.error)} className="mt-4" />}
        <div className="mt-6 flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={rename.isPending}>
            Rename
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
