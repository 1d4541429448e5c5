/** A short message in the page: what happened, why, what to do. */

import { CircleAlert, Info, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { classes } from './classes.ts';

const tones = {
  info: { box: 'bg-accent-soft', mark: 'text-accent', Icon: Info },
  warn: { box: 'bg-warn-soft', mark: 'text-warn', Icon: TriangleAlert },
  bad: { box: 'bg-bad-soft', mark: 'text-bad', Icon: CircleAlert },
};

export interface NoteProps {
  tone: keyof typeof tones;
  title: ReactNode;
  children?: ReactNode;
  action?: ReactNode;
  className?: string;
  testId?: string;
}

export function Note({ tone, title, children, action, className, testId }: NoteProps) {
  const { box, mark, Icon } = tones[tone];
  return (
    <div
      role={tone === 'info' ? 'status' : 'alert'}
      data-testid={testId}
      className={classes('flex gap-3 rounded-lg p-3.5 text-sm', box, className)}
    >
      <Icon className={classes('mt-0.5 size-4 shrink-0', mark)} aria-hidden />
      <div className="min-w-0 flex-1">
        <p className="font-medium break-words">{title}</p>
        {children && <div className="mt-0.5 text-muted break-words">{children}</div>}
        {action && <div className="mt-3 flex flex-wrap gap-2">{action}</div>}
      </div>
    </div>
  );
}
