/**
 * How long there is to sign in, or to show that somebody is still there, and more time at one click. The last minute is
 * said aloud.
 */

import type { AuthSession } from '@polydev/protocol';
import { limits } from '@polydev/protocol/limits';
import { useMutation } from '@tanstack/react-query';
import { announce } from '../../ui/announcer.tsx';
import { Button } from '../../ui/button.tsx';
import { classes } from '../../ui/classes.ts';
import { useNowMs } from '../../ui/clock.ts';
import { countdown } from '../../ui/times.ts';
import { polydev } from '../data/client.ts';
import { failureOf } from '../data/errors.ts';
import { keys } from '../data/queries.ts';
import { queryClient } from '../data/query-client.ts';

export interface TimeLeftProps {
  session: AuthSession;
  expiresAtMs: number;
  idleExpiresAtMs: number | null;
}

export function TimeLeft({ session, expiresAtMs, idleExpiresAtMs }: TimeLeftProps) {
  const localNowMs = useNowMs('seconds');
  const nowMs = localNowMs + (polydev.serverNowMs() - Date.now());
  const idle = idleExpiresAtMs !== null && idleExpiresAtMs < expiresAtMs;
  const leftMs = Math.max(0, (idle ? idleExpiresAtMs : expiresAtMs) - nowMs);
  const short = idle || leftMs <= limits.signInWarnMs;
  const most = !idle && expiresAtMs >= session.hardExpiresAtMs;
  const extend = useMutation({
    mutationFn: () => polydev.sessions.extend(session.id),
    onSuccess(extended) {
      queryClient.setQueryData(keys.session(session.id), extended);
      announce(`Time added: ${countdown(extended.expiresAtMs - polydev.serverNowMs())} left.`);
    },
  });

  return (
    <div
      className={classes(
        'col-start-9 row-start-1 lg:border-t lg:px-5 lg:py-4',
        short ? 'lg:border-warn/40 lg:bg-warn-soft' : 'lg:border-line',
      )}
    >
      <div className="flex items-center justify-between gap-3">
        <p className={classes('text-sm', short && 'font-medium text-warn')}>
          <span className="text-base font-semibold tabular-nums">{countdown(leftMs)}</span> left
        </p>
        <Button
          look={short && !most ? 'primary' : 'quiet'}
          disabled={most}
          busy={extend.isPending}
          title={most ? 'No more time can be added.' : undefined}
          onClick={() => extend.mutate()}
        >
          Extend
        </Button>
      </div>
      <p
        role="alert"
        className={classes('text-sm', short || extend.isError ? 'sr-only lg:not-sr-only lg:mt-1' : 'sr-only')}
      >
        {extend.isError
          ? failureOf(extend.error).message
          : short
            ? idle
              ? 'Still there? Extend, or do something in the desktop.'
              : most
                ? 'Less than a minute left, and no more can be added.'
                : 'Less than a minute left to sign in.'
            : ''}
      </p>
    </div>
  );
}
