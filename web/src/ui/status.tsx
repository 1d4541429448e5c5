/** A state in words and colour together. */

import type { ReactNode } from 'react';
import { classes } from './classes.ts';

export type Tone = 'neutral' | 'accent' | 'good' | 'warn' | 'bad';

const dots: Record<Tone, string> = {
  neutral: 'bg-transparent ring-[1.5px] ring-inset ring-line-strong',
  accent: 'bg-accent',
  good: 'bg-good',
  warn: 'bg-warn',
  bad: 'bg-bad',
};

export const toneText: Record<Tone, string> = {
  neutral: 'text-muted',
  accent: 'text-accent',
  good: 'text-good',
  warn: 'text-warn',
  bad: 'text-bad',
};

export function StatusDot({ tone, pulsing = false }: { tone: Tone; pulsing?: boolean }) {
  return (
    <span
      aria-hidden
      className={classes('inline-block size-2 shrink-0 rounded-full', dots[tone], pulsing && 'animate-breathe')}
    />
  );
}

export function Status({ tone, pulsing, children }: { tone: Tone; pulsing?: boolean; children: ReactNode }) {
  return (
    <span className="inline-flex items-baseline gap-2 text-sm">
      <span className="translate-y-[-1px]">
        <StatusDot tone={tone} pulsing={pulsing} />
      </span>
      <span className={toneText[tone]}>{children}</span>
    </span>
  );
}
