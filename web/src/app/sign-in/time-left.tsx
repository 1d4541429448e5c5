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

export function TimeLeft(props: TimeLeftProps) {
  const { leftMs, short, most, words, extend } = useTimeLeft(props);
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
        <ExtendButton {...{ short, most, extend }} />
      </div>
      <p role="alert" className={classes('text-sm', words === '' ? 'sr-only' : 'sr-only lg:not-sr-only lg:mt-1')}>
        {words}
      </p>
    </div>
  );
}

/** The same when it is short, where the steps are not beside the picture: in full screen, and on a phone. */
export function TimeShort({ full, ...props }: TimeLeftProps & { full: boolean }) {
  const { leftMs, short, most, words, extend } = useTimeLeft(props);
  if (!short) return null;
  return (
    <div
      className={classes(
        'flex min-h-10 items-center justify-center gap-4 border-t border-warn/40 bg-warn-soft px-3 py-1 text-sm',
        !full && 'lg:hidden',
      )}
    >
      {/* Said aloud already, beside the steps. */}
      <p aria-hidden>{words}</p>
      {full && (
        <>
          <span className="text-base font-semibold text-warn tabular-nums">{countdown(leftMs)}</span>
          <ExtendButton {...{ short, most, extend }} />
        </>
      )}
    </div>
  );
}

function useTimeLeft({ session, expiresAtMs, idleExpiresAtMs }: TimeLeftProps) {
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
  const words = extend.isError ? failureOf(extend.error).message : short ? wordsOf({ idle, most }) : '';
  return { leftMs, short, most, words, extend };
}

function wordsOf({ idle, most }: { idle: boolean; most: boolean }): string {
  if (idle) return 'Still there? Extend, or do something in the desktop.';
  return most ? 'Less than a minute left, and no more can be added.' : 'Less than a minute left to sign in.';
}

type ExtendButtonProps = Pick<ReturnType<typeof useTimeLeft>, 'short' | 'most' | 'extend'>;

function ExtendButton({ short, most, extend }: ExtendButtonProps) {
  return (
    <Button
      look={short && !most ? 'primary' : 'quiet'}
      disabled={most}
      busy={extend.isPending}
      title={most ? 'No more time can be added.' : undefined}
      onClick={() => extend.mutate()}
    >
      Extend
    </Button>
  );
}
