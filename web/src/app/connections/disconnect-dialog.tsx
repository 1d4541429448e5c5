/** Asks before a credential is forgotten. */

import type { Credential } from '@polydev/protocol';
import { useMutation } from '@tanstack/react-query';
import { announce } from '../../ui/announcer.tsx';
import { Confirm } from '../../ui/dialog.tsx';
import { FailureNote } from '../../ui/failure-note.tsx';
import { polydev } from '../data/client.ts';
import { failureOf } from '../data/errors.ts';
import { keys, refresh } from '../data/queries.ts';
import { accountName } from './card-state.ts';

export interface DisconnectDialogProps {
  providerName: string;
  credential: Credential;
  onClose(): void;
}

export function DisconnectDialog({ providerName, credential, onClose }: DisconnectDialogProps) {
  const remove = useMutation({
    mutationFn: polydev.credentials.remove,
    async onSuccess() {
      announce(`${providerName} is disconnected.`);
      onClose();
      await refresh(keys.credentials);
    },
  });
  return (
    <Confirm
      open
      onOpenChange={(next) => !next && onClose()}
      title={`Disconnect ${providerName}?`}
      description={`Polydev forgets this connection: ${accountName(credential)}. Prompts and scripts that use it stop working. At the provider it stays valid.`}
      confirm="Disconnect"
      busy={remove.isPending}
      error={remove.isError && <FailureNote {...failureOf(remove.error)} />}
      onConfirm={() => remove.mutate(credential.id)}
    />
  );
}
