/** Prompts and answers: history beside, the conversation in the middle, the next prompt below it. */

import type { RunId } from '@polydev/protocol';
import { History as HistoryIcon, SquarePen } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useParams, useSearchParams } from 'react-router';
import { Button, IconLink } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { FailureNote } from '../../ui/failure-note.tsx';
import { Skeleton } from '../../ui/skeleton.tsx';
import { failureOf } from '../data/errors.ts';
import { useCredentials, useProviders, useRun, useRuns } from '../data/queries.ts';
import { useTitle } from '../frame/title.ts';
import { paths } from '../paths.ts';
import { Composer } from './composer.tsx';
import { Conversation } from './conversation.tsx';
import { EmptyRuns, type EmptyRunsProps } from './empty-runs.tsx';
import { History } from './history.tsx';
import { chooseTarget, lastTargetKey, type Target, targetsOf } from './targets.ts';
import { useStartRun } from './use-start-run.ts';

export default function RunsPage() {
  useTitle('Runs');
  const { runId } = useParams();
  const [query] = useSearchParams();
  const providers = useProviders();
  const credentials = useCredentials();
  const runs = useRuns();
  const start = useStartRun();

  const [search, setSearch] = useState(query.get('search') ?? '');
  const [only, setOnly] = useState(query.get('only'));
  const [historyOpen, setHistoryOpen] = useState(false);
  const [text, setText] = useState('');
  const [model, setModel] = useState('');
  const [chosen, setChosen] = useState(() => query.get('provider') ?? localStorage.getItem(lastTargetKey));
  const field = useRef<HTMLTextAreaElement>(null);
  const scroller = useRef<HTMLDivElement>(null);

  const asked = query.get('provider');
  const askedOnly = query.get('only');
  useEffect(() => {
    if (asked !== null) setChosen(asked);
    if (askedOnly !== null) setOnly(askedOnly);
  }, [asked, askedOnly]);

  const targets = targetsOf(providers.data ?? [], credentials.data ?? []);
  const target = chooseTarget(targets, chosen);
  const knownModels = (runs.data?.pages.flat() ?? []).flatMap((run) =>
    run.provider === target?.provider.id && run.model !== null ? [run.model] : [],
  );

  // What the answer needs is there before the answer is.
  useEffect(() => void import('./markdown.tsx'), []);
  const canAsk = target !== null && target !== undefined;
  useEffect(() => {
    if (canAsk && runId === undefined && !matchMedia('(pointer: coarse)').matches) field.current?.focus();
  }, [canAsk, runId]);

  function choose({ provider, credentialId }: Target): void {
    if (provider.id !== target?.provider.id) setModel('');
    setChosen(credentialId);
    if (credentialId !== null) localStorage.setItem(lastTargetKey, credentialId);
  }

  function run(): void {
    if (!target?.credentialId) return;
    const { provider, credentialId } = target;
    start.mutate(
      { provider: provider.id, credentialId, prompt: text, model: model === '' ? undefined : model },
      { onSuccess: () => setText('') },
    );
  }

  const history = {
    search,
    onSearch: setSearch,
    only: providers.data?.find(({ id }) => id === only),
    onAll: () => setOnly(null),
  };
  return (
    <div className="flex h-full min-h-0">
      <aside aria-label="History" className="hidden w-72 shrink-0 border-r border-line lg:block">
        <History {...history} />
      </aside>
      <div className="flex min-w-0 flex-1 flex-col">
        <div className="flex justify-between border-b border-line px-3 py-1 lg:hidden">
          <Button look="plain" className="-ml-2.5" onClick={() => setHistoryOpen(true)}>
            <HistoryIcon className="size-4" aria-hidden />
            History
          </Button>
          {runId !== undefined && (
            <IconLink to={paths.runs} label="New prompt" className="-mr-1">
              <SquarePen className="size-4" aria-hidden />
            </IconLink>
          )}
        </div>
        <div ref={scroller} className="min-h-0 flex-1 overflow-y-auto thin-scroll">
          {runId !== undefined ? (
            <ChosenRun key={runId} id={runId as RunId} scroller={scroller} />
          ) : (
            <NewRun
              toolName={target?.provider.name}
              onExample={(prompt) => {
                setText(prompt);
                field.current?.focus();
              }}
            />
          )}
        </div>
        {target && (
          <Composer
            field={field}
            text={text}
            onText={setText}
            targets={targets}
            target={target}
            onTarget={choose}
            model={model}
            knownModels={knownModels}
            onModel={setModel}
            busy={start.isPending}
            error={start.error}
            onRun={run}
          />
        )}
      </div>
      <Dialog open={historyOpen} onOpenChange={setHistoryOpen} title="History">
        <div className="-mx-3 h-[60dvh]">
          <History {...history} onChosen={() => setHistoryOpen(false)} />
        </div>
      </Dialog>
    </div>
  );
}

function NewRun(props: EmptyRunsProps) {
  const asked = [useProviders(), useCredentials()];
  const failed = asked.find(({ isError, data }) => isError && data === undefined);
  if (failed) {
    return (
      <div className="mx-auto max-w-[46rem] px-4 py-8 sm:px-6">
        <FailureNote
          {...failureOf(failed.error)}
          onRetry={() => {
            for (const query of asked) void query.refetch();
          }}
        />
      </div>
    );
  }
  return asked.every(({ data }) => data !== undefined) ? <EmptyRuns {...props} /> : <RunSkeleton />;
}

function RunSkeleton() {
  return (
    <div className="mx-auto max-w-[46rem] space-y-4 px-4 py-8 sm:px-6" aria-busy="true">
      <Skeleton className="ml-auto h-11 w-2/3 rounded-lg" />
      <Skeleton className="h-4 w-32" />
      <Skeleton className="h-4 w-full" />
      <Skeleton className="h-4 w-5/6" />
    </div>
  );
}

function ChosenRun({ id, scroller }: { id: RunId; scroller: React.RefObject<HTMLDivElement | null> }) {
  const run = useRun(id);
  const providers = useProviders();
  if (run.isError && run.data === undefined) {
    return (
      <div className="mx-auto max-w-[46rem] px-4 py-8 sm:px-6">
        <FailureNote {...failureOf(run.error)} onRetry={() => void run.refetch()} />
      </div>
    );
  }
  if (run.data === undefined) {
    return <RunSkeleton />;
  }
  return (
    <Conversation
      run={run.data}
      provider={providers.data?.find(({ id: candidate }) => candidate === run.data.provider)}
      scroller={scroller}
    />
  );
}
