/** The steps of a sign-in, live, with what to do in the current one. */

import type { ProviderInfo } from '@polydev/protocol';
import { type ReactNode, useEffect } from 'react';
import { announce } from '../../ui/announcer.tsx';
import { classes } from '../../ui/classes.ts';
import { CommandStep } from './command-step.tsx';
import { StepRow } from './step-row.tsx';
import { currentStep, type Step, type Timeline } from './timeline.ts';
import { stepTitle } from './words.ts';

export interface StepsPanelProps {
  provider: ProviderInfo;
  timeline: Timeline;
  /** There is a picture to type into. */
  canType: boolean;
  onType(text: string): Promise<boolean>;
  children?: ReactNode;
}

export function StepsPanel({ provider, timeline, canType, onType, children }: StepsPanelProps) {
  const current = currentStep(timeline);
  const said = current && !timeline.over ? stepTitle(current) : '';
  useEffect(() => {
    if (said !== '') announce(said);
  }, [said]);

  return (
    <section
      aria-label="Steps"
      className={classes(
        'grid shrink-0 grid-cols-[repeat(7,auto)_minmax(0,1fr)_auto] content-start items-center gap-x-1.5 gap-y-1.5 rounded-lg border border-line bg-surface p-3 lg:flex lg:min-h-0 lg:flex-col lg:items-stretch lg:gap-0 lg:overflow-y-auto lg:p-0 thin-scroll',
        // On a phone as high as its highest step, so that the desktop below keeps its size.
        !timeline.over && 'min-h-36',
      )}
    >
      <ol className="contents lg:block lg:flex-1 lg:p-5">
        {timeline.steps.map((step, index) => (
          <StepRow key={step.name} step={step} last={index === timeline.steps.length - 1}>
            <StepHelp step={step} provider={provider} timeline={timeline} canType={canType} onType={onType} />
          </StepRow>
        ))}
      </ol>
      {children}
    </section>
  );
}

function StepHelp({ step, provider, timeline, canType, onType }: { step: Step } & Omit<StepsPanelProps, 'children'>) {
  if (step.state === 'active' && step.name === 'command')
    return <CommandStep provider={provider} canType={canType} onType={onType} />;
  if (step.state === 'active' && step.name === 'credential') {
    return (
      <div className="mt-1 space-y-2 text-sm text-muted">
        <p className="hidden lg:block">With your own account at {provider.maker}. Polydev notices when it is done.</p>
        <p>
          <span className="lg:hidden">Polydev notices when it is done. </span>Denied it
          <span className="hidden lg:inline">, or closed the page</span>? Give <Command text={provider.loginCommand} />{' '}
          again
          <span className="hidden lg:inline"> in the terminal, which is in the desktop’s bar</span>.
        </p>
      </div>
    );
  }
  if (step.state === 'active' && step.name === 'machine')
    return <p className="mt-1 text-sm text-muted">A fresh desktop, for this sign-in only.</p>;
  if (step.state === 'done' && step.name === 'page' && timeline.page !== null)
    return <p className="hidden truncate text-xs text-muted lg:block">{hostOf(timeline.page)}</p>;
  return null;
}

function Command({ text }: { text: string }) {
  return (
    <code className="rounded bg-sunken px-1 text-text" translate="no">
      {text}
    </code>
  );
}

function hostOf(page: string): string {
  return URL.parse(page)?.host ?? page;
}
