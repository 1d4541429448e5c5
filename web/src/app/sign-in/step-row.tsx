/** One step: a mark, its name, how long it took; what to do in it while it is the current one. */

import { Check, Minus, X } from 'lucide-react';
import type { ReactNode } from 'react';
import { classes } from '../../ui/classes.ts';
import { duration } from '../../ui/times.ts';
import type { Step, StepState } from './timeline.ts';
import { stepTitle } from './words.ts';

/** On a phone the marks stand in a row, and only the current step shows its words, below them. */
export function StepRow({ step, last, children }: { step: Step; last: boolean; children?: ReactNode }) {
  const { name, state, tookMs } = step;
  const loud = state === 'active' || state === 'failed';
  return (
    <li
      data-testid={`step-${name}`}
      data-state={state}
      aria-current={state === 'active' ? 'step' : undefined}
      className="contents lg:relative lg:flex lg:gap-3 lg:pb-4 lg:last:pb-0"
    >
      {!last && (
        <span
          aria-hidden
          className={classes(
            'absolute top-6 bottom-0 left-[0.6875rem] hidden w-px lg:block',
            state === 'done' ? 'bg-good/50' : 'bg-line',
          )}
        />
      )}
      <StepMark state={state} />
      <div
        className={classes('min-w-0 flex-1 lg:pt-px', loud ? 'col-span-full animate-appear' : 'sr-only lg:not-sr-only')}
      >
        <p className="flex items-baseline justify-between gap-3">
          <span
            className={classes(
              loud ? 'text-base leading-6 font-semibold' : 'text-sm leading-6',
              (state === 'waiting' || state === 'skipped') && 'text-muted',
            )}
          >
            {stepTitle(step)}
          </span>
          {tookMs !== null && <span className="shrink-0 text-xs text-muted tabular-nums">{duration(tookMs)}</span>}
        </p>
        {children}
      </div>
    </li>
  );
}

const markClasses: Record<StepState, string> = {
  waiting: 'border-line-strong bg-surface',
  active: 'border-accent bg-accent-soft',
  done: 'border-good bg-good-soft text-good',
  failed: 'border-bad bg-bad-soft text-bad',
  skipped: 'border-line bg-surface text-muted',
};

function StepMark({ state }: { state: StepState }) {
  return (
    <span
      aria-hidden
      className={classes(
        'row-start-1 grid size-5 lg:size-6 shrink-0 place-items-center rounded-full border-[1.5px] bg-clip-padding',
        markClasses[state],
      )}
    >
      {state === 'done' && <Check className="size-3.5" strokeWidth={2.5} />}
      {state === 'failed' && <X className="size-3.5" strokeWidth={2.5} />}
      {state === 'skipped' && <Minus className="size-3.5" />}
      {state === 'active' && <span className="size-2 rounded-full bg-accent animate-breathe" />}
    </span>
  );
}
