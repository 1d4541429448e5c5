/** API tokens: made here, shown once, revoked here. */

import type { ApiToken, CreatedApiToken } from '@polydev/protocol';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { announce } from '../../ui/announcer.tsx';
import { Button } from '../../ui/button.tsx';
import { useNowMs } from '../../ui/clock.ts';
import { Confirm } from '../../ui/dialog.tsx';
import { FailureNote } from '../../ui/failure-note.tsx';
import { Time } from '../../ui/time.tsx';
import { exactTime } from '../../ui/times.ts';
import { polydev } from '../data/client.ts';
import { failureOf } from '../data/errors.ts';
import { keys, refresh, useTokens } from '../data/queries.ts';
import { CreatedToken, NewToken } from './new-token.tsx';
import { ListBox, ListSkeleton } from './section.tsx';
import { powerOf } from './token-options.ts';

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
        <ListSkeleton />
      ) : tokens.data.length === 0 ? (
        <p className="rounded-lg border border-dashed border-line px-4 py-6 text-center text-sm text-muted">
          No tokens yet.
        </p>
      ) : (
        <ListBox>
          {tokens.data.map((token) => (
            <TokenRow key={token.id} token={token} />
          ))}
        </ListBox>
      )}
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
          {powerOf(token)} · <Expiry atMs={token.expiresAtMs} /> ·{' '}
          {token.lastUsedAtMs === null ? (
            'never used'
          ) : (
            <>
              used <Time atMs={token.lastUsedAtMs} />
            </>
          )}
        </p>
      </div>
      <Button look="plain" className="-mr-3.5" onClick={() => setAsking(true)} aria-label={`Revoke ${token.name}`}>
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

function Expiry({ atMs }: { atMs: number | null }) {
  const nowMs = useNowMs();
  if (atMs === null) return 'until revoked';
  const day = new Date(atMs).toLocaleDateString(undefined, { dateStyle: 'medium' });
  return (
    <time dateTime={new Date(atMs).toISOString()} title={exactTime(atMs)} className={atMs <= nowMs ? 'text-bad' : ''}>
      {atMs <= nowMs ? `ended ${day}` : `until ${day}`}
    </time>
  );
}
