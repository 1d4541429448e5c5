/** The last few runs of all tools, to go back to. */

import type { ProviderInfo, Run } from '@polydev/protocol';
import { Link } from 'react-router';
import { Time } from '../../ui/time.tsx';
import { paths, runPath } from '../paths.ts';
import { ProviderMark } from '../provider-mark.tsx';
import { RunRemark } from '../runs/run-remark.tsx';

const shown = 5;

export function LatestRuns({ runs, providers }: { runs: readonly Run[]; providers: readonly ProviderInfo[] }) {
  if (runs.length === 0) return null;
  const nameOf = (run: Run) => providers.find(({ id }) => id === run.provider)?.name ?? run.provider;
  return (
    <section aria-labelledby="latest-runs" className="mt-10">
      <div className="mb-1 flex items-center justify-between">
        <h2 id="latest-runs" className="text-sm font-semibold">
          Latest runs
        </h2>
        <Link
          to={paths.runs}
          className="-mr-2.5 inline-flex min-h-10 items-center rounded-md px-2.5 text-sm text-muted hover:text-text"
        >
          All runs
        </Link>
      </div>
      <ul className="divide-y divide-line overflow-hidden rounded-lg border border-line bg-surface">
        {runs.slice(0, shown).map((run) => (
          <li key={run.id}>
            <Link
              to={runPath(run.id)}
              className="flex min-h-12 items-center gap-3.5 px-4 py-2 outline-offset-[-2px] transition-colors hover:bg-sunken"
            >
              <ProviderMark provider={run.provider} size="small" />
              <span className="sr-only">{nameOf(run)}</span>
              <span className="min-w-0 flex-1 truncate text-sm">{run.prompt}</span>
              <RunRemark state={run.state} />
              <span className="shrink-0 text-sm text-muted">
                <Time atMs={run.createdAtMs} />
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
