/** Earlier runs, newest first, to be searched and gone back to. */

import type { ProviderInfo, Run } from '@polydev/protocol';
import { Search, SquarePen, X } from 'lucide-react';
import { NavLink } from 'react-router';
import { Button, IconButton, IconLink } from '../../ui/button.tsx';
import { classes } from '../../ui/classes.ts';
import { FailureNote } from '../../ui/failure-note.tsx';
import { useSettled } from '../../ui/settled.ts';
import { Skeleton } from '../../ui/skeleton.tsx';
import { Time } from '../../ui/time.tsx';
import { failureOf } from '../data/errors.ts';
import { useRuns } from '../data/queries.ts';
import { paths, runPath } from '../paths.ts';
import { ProviderMark } from '../provider-mark.tsx';
import { RunRemark } from './run-remark.tsx';

export interface HistoryProps {
  search: string;
  onSearch(search: string): void;
  /** The runs of this tool alone. */
  only: ProviderInfo | undefined;
  onAll(): void;
  /** Something was chosen. */
  onChosen?(): void;
}

export function History({ search, onSearch, only, onAll, onChosen }: HistoryProps) {
  const settled = useSettled(search).trim();
  const runs = useRuns({ ...(settled && { search: settled }), ...(only && { provider: only.id }) });
  const found = runs.data?.pages.flat() ?? [];

  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex gap-2 p-3">
        <label className="relative flex-1">
          <span className="sr-only">Search runs</span>
          <Search className="pointer-events-none absolute top-3 left-3 size-4 text-muted" aria-hidden />
          <input
            type="search"
            value={search}
            maxLength={200}
            onChange={(event) => onSearch(event.target.value)}
            placeholder="Search"
            className="h-10 w-full rounded-md border border-line-strong bg-surface pr-2 pl-9 text-sm placeholder:text-muted"
          />
        </label>
        <IconLink to={paths.runs} look="quiet" label="New prompt" onClick={onChosen}>
          <SquarePen className="size-4" aria-hidden />
        </IconLink>
      </div>
      {only && (
        <div className="-mt-1 flex items-center gap-2 px-3 pb-2 text-sm">
          <span className="min-w-0 flex-1 truncate text-muted">Only {only.name}</span>
          <IconButton label="Show the runs of all tools" onClick={onAll}>
            <X className="size-4" aria-hidden />
          </IconButton>
        </div>
      )}
      <nav aria-label="Runs" className="min-h-0 flex-1 overflow-y-auto px-2 pb-3 thin-scroll">
        {runs.isPending ? (
          <HistorySkeleton />
        ) : runs.isError && found.length === 0 ? (
          <FailureNote {...failureOf(runs.error)} onRetry={() => void runs.refetch()} className="m-1" />
        ) : found.length === 0 ? (
          <p className="px-3 py-6 text-center text-sm text-muted">
            {settled === ''
              ? only
                ? `No run of ${only.name} yet.`
                : 'Runs will be listed here.'
              : `Nothing here mentions “${settled}”.`}
          </p>
        ) : (
          <ul className="space-y-0.5">
            {found.map((run) => (
              <li key={run.id}>
                <HistoryItem run={run} onChosen={onChosen} />
              </li>
            ))}
          </ul>
        )}
        {runs.hasNextPage && (
          <Button
            look="plain"
            className="mt-2 w-full"
            busy={runs.isFetchingNextPage}
            onClick={() => void runs.fetchNextPage()}
          >
            Older runs
          </Button>
        )}
      </nav>
    </div>
  );
}

function HistoryItem({ run, onChosen }: { run: Run; onChosen?: () => void }) {
  return (
    <NavLink
      to={runPath(run.id)}
      onClick={onChosen}
      className={({ isActive }) =>
        classes(
          'block rounded-md px-3 py-2 outline-offset-[-2px] transition-colors',
          isActive ? 'bg-accent-soft' : 'hover:bg-sunken',
        )
      }
    >
      <span className="block truncate text-sm">{run.prompt}</span>
      <span className="mt-0.5 flex items-center gap-1.5 text-xs text-muted">
        <span className="[&>svg]:size-3.5">
          <ProviderMark provider={run.provider} size="small" />
        </span>
        <Time atMs={run.createdAtMs} />
        <span className="ml-auto">
          <RunRemark state={run.state} />
        </span>
      </span>
    </NavLink>
  );
}

function HistorySkeleton() {
  return (
    <div className="space-y-5 px-3 pt-2">
      {['w-4/5', 'w-3/5', 'w-5/6', 'w-2/3', 'w-3/4'].map((width) => (
        <div key={width} className="space-y-2">
          <Skeleton className={classes('h-3.5', width)} />
          <Skeleton className="h-2.5 w-2/5" />
        </div>
      ))}
    </div>
  );
}
