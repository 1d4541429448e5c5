/** The other way in: an API key. */

import type { Credential, ProviderInfo } from '@polydev/protocol';
import { useMutation } from '@tanstack/react-query';
import { ExternalLink } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { announce } from '../../ui/announcer.tsx';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { FailureNote } from '../../ui/failure-note.tsx';
import { Field } from '../../ui/field.tsx';
import { polydev } from '../data/client.ts';
import { failureOf } from '../data/errors.ts';
import { keys, refresh, useDemo } from '../data/queries.ts';
import { DemoKey } from './demo-key.tsx';

export interface ApiKeyDialogProps {
  provider: ProviderInfo;
  /** What the tool has already: a key stands beside a sign-in, and takes the place of an older key. */
  credentials: readonly Credential[];
  /** For one more account: what it is called. */
  newLabel?: string | undefined;
  open: boolean;
  onClose(): void;
}

const labelBesideSignIn = 'API key';

export function ApiKeyDialog({ provider, credentials, newLabel, open, onClose }: ApiKeyDialogProps) {
  const besideSignIn = credentials.some(
    ({ kind, status, label }) => kind === 'files' && status === 'active' && label === 'default',
  );
  // A key that is refused is replaced where it stands.
  const refused = credentials.find(({ kind, status }) => kind === 'api_key' && status === 'expired')?.label;
  const account =
    newLabel !== undefined
      ? { label: newLabel, newAccount: true }
      : { label: refused ?? (besideSignIn ? labelBesideSignIn : undefined) };
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => !next && onClose()}
      title={`API key for ${provider.name}${newLabel === undefined ? '' : `, ${newLabel}`}`}
      description="It is sealed in the vault as soon as it arrives, and never shown again."
    >
      <ApiKeyForm provider={provider} account={account} onClose={onClose} />
    </Dialog>
  );
}

interface ApiKeyFormProps {
  provider: ProviderInfo;
  account: { label: string | undefined; newAccount?: boolean };
  onClose(): void;
}

function ApiKeyForm({ provider, account, onClose }: ApiKeyFormProps) {
  const [apiKey, setApiKey] = useState('');
  const demo = useDemo();
  const add = useMutation({
    mutationFn: polydev.credentials.addApiKey,
    async onSuccess() {
      announce(`${provider.name} is connected.`);
      await refresh(keys.credentials);
      onClose();
    },
  });

  function submit(event: FormEvent): void {
    event.preventDefault();
    add.mutate({ provider: provider.id, apiKey: apiKey.trim(), ...account });
  }

  return (
    <form onSubmit={submit}>
      {demo && <DemoKey provider={provider} onUse={setApiKey} />}
      <Field
        label="API key"
        type="password"
        value={apiKey}
        onChange={(event) => setApiKey(event.target.value)}
        autoComplete="off"
        spellCheck={false}
        autoFocus
        required
        minLength={8}
        maxLength={1024}
        className="[&_input]:font-mono [&_input]:text-sm"
        help={
          demo ? (
            'Any other key is refused.'
          ) : (
            <>
              {provider.apiKeyHint}.{' '}
              <a
                href={provider.apiKeyPage}
                target="_blank"
                rel="noopener noreferrer"
                className="inline-flex items-center gap-1 font-medium text-accent underline-offset-2 hover:underline"
              >
                Get one from {provider.maker}
                <ExternalLink className="size-3.5" aria-hidden />
              </a>
            </>
          )
        }
      />
      {add.isPending && (
        <p role="status" className="mt-4 text-sm text-muted">
          Proving the key with one short prompt. This takes a few seconds.
        </p>
      )}
      {add.isError && <FailureNote {...failureOf(add.error)} className="mt-4" />}
      <div className="mt-6 flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" look="primary" busy={add.isPending}>
          Connect
        </Button>
      </div>
    </form>
  );
}
