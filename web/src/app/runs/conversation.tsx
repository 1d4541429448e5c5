/** One run: the prompt, the answer as it comes, and how it ended. */

import type { ProviderInfo, Run } from '@polydev/protocol';
import { isFinal, runMoves } from '@polydev/protocol/states';
import { useMutation } from '@tanstack/react-query';
import { CircleStop, RotateCcw, Trash2 } from 'lucide-react';
import { type RefObject, useEffect, useRef, useState } from 'react';
import { useNavigate } from 'react-router';
import { announce } from '../../ui/announcer.tsx';
import { Button, ButtonLink, IconButton } from '../../ui/button.tsx';
import { useNowMs } from '../../ui/clock.ts';
import { CopyButton } from '../../ui/copy-button.tsx';
import { Confirm } from '../../ui/dialog.tsx';
import { FailureNote } from '../../ui/failure-note.tsx';
import { Note } from '../../ui/note.tsx';
import { Status } from '../../ui/status.tsx';
import { Time } from '../../ui/time.tsx';
import { duration, tokens } from '../../ui/times.ts';
import { polydev } from '../data/client.ts';
import { failureOf } from '../data/errors.ts';
import { keys, refresh, useCredentials } from '../data/queries.ts';
import { paths } from '../paths.ts';
import { ProviderMark } from '../provider-mark.tsx';
import { MachineConsole, MachineJournal } from '../sessions/machine-logs.tsx';
import { Answer } from './answer.tsx';
import { type Part, type RunView, textOf } from './run-view.ts';
import { useRunStream } from './use-run-stream.ts';
import { useStartRun } from './use-start-run.ts';

export interface ConversationProps {
  run: Run;
  provider: ProviderInfo | undefined;
  /** What scrolls around it. */
  scroller: RefObject<HTMLElement | null>;
}

export function Conversation({ run, provider, scroller }: ConversationProps) {
  const { view, closed, interrupted } = useRunStream(run.id);
  const over = isFinal(runMoves, run.state) || isFinal(runMoves, view.state);
  // Until the events have caught up with what is known already, that is shown.
  const caughtUp = closed ? view.length > 0 || run.answer === '' : view.length >= run.answer.length;
  const parts: Part[] = caughtUp ? view.parts : [{ kind: 'text', text: run.answer }];
  const name = provider?.name ?? run.provider;

  useStickToEnd(scroller, parts, over);
  const wasOver = useRef(over);
  useEffect(() => {
    if (over && !wasOver.current)
      announce(view.state === 'succeeded' ? 'The answer is complete.' : 'The run has ended.');
    wasOver.current = over;
  }, [over, view.state]);

  return (
    <article className="mx-auto w-full max-w-[46rem] px-4 py-6 sm:px-6 sm:py-8" aria-label="Run">
      <Prompt text={run.prompt} />
      <div className="mt-7 flex items-center gap-2.5 text-sm">
        <ProviderMark provider={run.provider} size="small" />
        <span className="font-semibold">{name}</span>
        <span className="truncate text-muted">{view.model ?? run.model}</span>
        <span className="ml-auto shrink-0 text-muted">
          <Time atMs={run.createdAtMs} />
        </span>
      </div>
      <div className="mt-3">
        {parts.length > 0 && <Answer parts={parts} busy={!over} />}
        {!over && <Progress run={run} view={view} interrupted={interrupted} hasText={parts.length > 0} />}
      </div>
      {over && <Ending run={run} view={view} name={name} answer={textOf(parts)} />}
    </article>
  );
}

/** Characters; of more, the page shows the beginning. */
const promptShown = 20_000;

function Prompt({ text }: { text: string }) {
  return (
    <div className="ml-auto w-fit max-w-[88%] rounded-lg bg-accent-soft px-4 py-2.5 break-words whitespace-pre-wrap">
      {text.slice(0, promptShown)}
      {text.length > promptShown && (
        <p className="mt-2 text-sm text-muted">
          This is the beginning of a long prompt: {promptShown.toLocaleString()} of {text.length.toLocaleString()}{' '}
          characters.
        </p>
      )}
    </div>
  );
}

/** Stays at the end while the answer grows, unless the person scrolled away from it. */
function useStickToEnd(scroller: RefObject<HTMLElement | null>, parts: readonly Part[], over: boolean): void {
  const following = useRef(!over);
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const onScroll = () => {
      following.current = element.scrollHeight - element.scrollTop - element.clientHeight < 80;
    };
    element.addEventListener('scroll', onScroll, { passive: true });
    return () => element.removeEventListener('scroll', onScroll);
  }, [scroller]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: every new part may make the page longer
  useEffect(() => {
    const element = scroller.current;
    if (element && following.current && !over) element.scrollTop = element.scrollHeight;
  }, [scroller, parts, over]);
}

function Progress({
  run,
  view,
  interrupted,
  hasText,
}: {
  run: Run;
  view: RunView;
  interrupted: boolean;
  hasText: boolean;
}) {
  const nowMs = useNowMs('seconds') + (polydev.serverNowMs() - Date.now());
  const stop = useMutation({ mutationFn: () => polydev.runs.cancel(run.id) });
  const word = interrupted
    ? 'Connection lost, coming back'
    : view.state === 'queued'
      ? 'Waiting in line'
      : view.state === 'starting'
        ? 'Starting the tool'
        : hasText
          ? 'Answering'
          : 'Thinking';
  return (
    <>
      <div className="mt-4 flex min-h-10 flex-wrap items-center gap-3">
        <Status tone={interrupted ? 'warn' : 'accent'} pulsing>
          {word}
          <span className="text-muted tabular-nums"> · {duration(Math.max(0, nowMs - run.createdAtMs))}</span>
        </Status>
        <Button className="ml-auto" busy={stop.isPending} onClick={() => stop.mutate()}>
          <CircleStop className="size-4" aria-hidden />
          Stop
        </Button>
      </div>
      {stop.isError && <FailureNote {...failureOf(stop.error)} className="mt-3" />}
    </>
  );
}

function Ending({ run, view, name, answer }: { run: Run; view: RunView; name: string; answer: string }) {
  const state = isFinal(runMoves, run.state) ? run.state : view.state;
  const reason = run.reason ?? view.reason;
  const usage = run.usage ?? view.usage;
  const again = useStartRun();
  const credentials = useCredentials();
  const retry = () => {
    // The account of then, unless it was disconnected since.
    const account = credentials.data?.find(({ id }) => id === run.credentialId);
    again.mutate({
      provider: run.provider,
      credentialId: account?.id,
      prompt: run.prompt,
      model: run.model ?? undefined,
    });
  };
  const signIn =
    reason?.code === 'provider_auth' || reason?.code === 'credential_expired' || reason?.code === 'no_credential';
  const retryButton = (
    <Button busy={again.isPending} onClick={retry}>
      <RotateCcw className="size-4" aria-hidden />
      Retry
    </Button>
  );
  const facts = [
    usage && `${tokens(usage.inputTokens)} tokens in, ${tokens(usage.outputTokens)} out`,
    usage?.costUsd !== undefined && `$${usage.costUsd.toFixed(usage.costUsd < 0.1 ? 4 : 2)}`,
    run.endedAtMs !== null && duration(run.endedAtMs - run.createdAtMs),
  ].filter(Boolean);

  return (
    <div className="mt-4 space-y-4">
      {state === 'failed' || state === 'timed_out' ? (
        <div>
          <Note
            tone="bad"
            title={reason?.message ?? `${name} did not finish.`}
            action={
              <>
                {signIn && (
                  <ButtonLink to={paths.connections} look="primary">
                    Go to Connections
                  </ButtonLink>
                )}
                {retryButton}
              </>
            }
          >
            {reason?.hint}
          </Note>
          <div className="mt-2">
            <MachineConsole id={run.id} />
            <MachineJournal id={run.id} />
          </div>
        </div>
      ) : state === 'cancelled' ? (
        <div className="flex flex-wrap items-center gap-3">
          <p className="text-sm text-muted">Stopped.</p>
          {retryButton}
        </div>
      ) : null}
      {again.isError && <FailureNote {...failureOf(again.error)} />}
      <div className="-ml-2.5 flex flex-wrap items-center gap-x-1 text-xs text-muted">
        {answer !== '' && <CopyButton text={answer} label="Copy the answer" />}
        <DeleteRun run={run} />
        <p className="ml-1.5 tabular-nums">{facts.join(' · ')}</p>
      </div>
    </div>
  );
}

function DeleteRun({ run }: { run: Run }) {
  const navigate = useNavigate();
  const [asking, setAsking] = useState(false);
  const remove = useMutation({
    mutationFn: () => polydev.runs.remove(run.id),
    async onSuccess() {
      await navigate(paths.runs);
      await refresh(keys.runs);
    },
  });
  return (
    <>
      <IconButton label="Delete the run" onClick={() => setAsking(true)}>
        <Trash2 className="size-4" aria-hidden />
      </IconButton>
      <Confirm
        open={asking}
        onOpenChange={setAsking}
        title="Delete this run?"
        description="The prompt, the answer and everything the tool said are gone for good."
        confirm="Delete"
        busy={remove.isPending}
        error={remove.isError && <FailureNote {...failureOf(remove.error)} />}
        onConfirm={() => remove.mutate()}
      />
    </>
  );
}
