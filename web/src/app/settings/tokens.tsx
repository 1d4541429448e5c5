/** API tokens: made here, shown once, revoked here. */

import type { ApiToken, CreatedApiToken } from '@polydev/protocol';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { announce } from '../../ui/announcer.tsx';
import { Button } from '../../ui/button.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { Confirm } from '../../ui/dialog.tsx';
import { FailureNote } from '../../ui/failure-note.tsx';
import { Skeleton } from '../../ui/skeleton.tsx';
import { Time } from '../../ui/time.tsx';
import { polydev } from '../data/client.ts';
import { failureOf } from '../data/errors.ts';
import { keys, refresh, useTokens } from '../data/queries.ts';

export function Tokens() {
  const tokens = useTokens();
  const [created, setCreated] = useState<CreatedApiToken | null>(null);
  return (
    <div className="space-y-4">
      <NewToken onCreated={setCreated} />
      {created && <CreatedToken created={created} onDone={() => setCreated(null)} />}
      {tokens.isError && tokens.data === undefined ? (
        <FailureNote {...failureOf(tokens.error)} onRetry={() => void tokens.refetch()} />
      ) : !tokens.data ? (
        <div className="flex h-16 items-center gap-4 rounded-lg border border-line bg-surface px-4">
          <Skeleton className="h-3.5 w-32" />
          <Skeleton className="ml-auto h-3.5 w-16" />
        </div>
      ) : tokens.data.length === 0 ? (
        <p className="rounded-lg border border-dashed border-line-strong px-4 py-6 text-center text-sm text-muted">
          No tokens yet.
        </p>
      ) : (
        <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
          {tokens.data.map((token) => (
            <TokenRow key={token.id} token={token} />
          ))}
        </ul>
      )}
    </div>
  );
}

function NewToken({ onCreated }: { onCreated(created: CreatedApiToken): void }) {
  const [name, setName] = useState('');
  const create = useMutation({
    mutationFn: polydev.tokens.create,
    onSuccess(created) {
      setName('');
      onCreated(created);
      announce('The token is made. It is shown once.');
      return refresh(keys.tokens);
    },
  });

  function submit(event: FormEvent): void {
    event.preventDefault();
    create.mutate({ name: name.trim(), scopes: ['run', 'connect'] });
  }

  return (
    <form onSubmit={submit} className="space-y-3">
      <div className="flex gap-2">
        <label className="min-w-0 flex-1">
          <span className="sr-only">Name of the new token</span>
          <input
            value={name}
            onChange={(event) => setName(event.target.value)}
            placeholder="What it is for, for example laptop"
            required
            maxLength={64}
            pattern=".*\S.*"
            className="h-10 w-full rounded-md border border-line-strong bg-surface px-3 text-sm placeholder:text-muted"
          />
        </label>
        <Button type="submit" busy={create.isPending}>
          Create token
        </Button>
      </div>
      {create.isError && <FailureNote {...failureOf(create.error)} />}
    </form>
  );
}

function CreatedToken({ created, onDone }: { created: CreatedApiToken; onDone(): void }) {
  const command = `polydev login --url ${window.location.origin} --token-stdin`;
  return (
    <div className="rounded-lg border border-accent bg-surface p-4 animate-appear" role="status">
      <p className="font-medium">Copy “{created.token.name}” now. It is not shown again.</p>
      <Copyable text={created.secret} label="Copy the token" />
      <p className="mt-3 text-sm text-muted">On the machine that uses it, paste it into:</p>
      <Copyable text={command} label="Copy the command" />
      <div className="mt-4 flex justify-end">
        <Button onClick={onDone}>I have it</Button>
      </div>
    </div>
  );
}

function Copyable({ text, label }: { text: string; label: string }) {
  return (
    <div className="mt-2 flex items-center rounded-md bg-sunken pl-3">
      <code className="min-w-0 flex-1 py-2 text-sm break-all" translate="no">
        {text}
      </code>
      <CopyButton text={text} label={label} />
    </div>
  );
}

function TokenRow({ token }: { token: ApiToken }) {
  const [asking, setAsking] = useState(false);
  const revoke = useMutation({
    mutationFn: polydev.tokens.revoke,
    async onSuccess() {
      announce(`The token ${token.name} is revoked.`);
      setAsking(false);
      await refresh(keys.tokens);
    },
  });
  return (
    <li className="flex min-h-16 items-center gap-4 px-4 py-2.5">
      <div className="min-w-0 flex-1">
        <p className="truncate text-sm font-medium">{token.name}</p>
        <p className="text-xs text-muted">
          Made <Time atMs={token.createdAtMs} />,{' '}
          {token.lastUsedAtMs === null ? (
            'never used'
          ) : (
            <>
              used <Time atMs={token.lastUsedAtMs} />
            </>
          )}
        </p>
      </div>
      <Button look="plain" onClick={() => setAsking(true)} aria-label={`Revoke ${token.name}`}>
        Revoke
      </Button>
      <Confirm
        open={asking}
        onOpenChange={setAsking}
        title={`Revoke “${token.name}”?`}
        description="Whatever uses this token is refused from now on."
        confirm="Revoke"
        busy={revoke.isPending}
        error={revoke.isError && <FailureNote {...failureOf(revoke.error)} />}
        onConfirm={() => revoke.mutate(token.id)}
      />
    </li>
  );
}
