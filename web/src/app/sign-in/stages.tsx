/** What stands where the picture will be: how far the machine is, with times. */

import { Check } from 'lucide-react';
import { classes } from '../../ui/classes.ts';
import { duration } from '../../ui/times.ts';
import type { Stage } from './timeline.ts';

export function Stages({ stages }: { stages: readonly Stage[] }) {
  const next = stages.findIndex(({ afterMs }) => afterMs === null);
  return (
    <div className="grid min-h-full place-items-center p-6 text-screen-text">
      <div className="w-full max-w-64">
        <p className="text-base font-semibold">A desktop of your own</p>
        <ol className="mt-4 space-y-2.5 text-sm">
          {stages.map(({ name, afterMs }, index) => (
            <li
              key={name}
              className={classes(
                'flex items-center gap-2.5',
                afterMs === null && index !== next && 'text-screen-muted',
              )}
            >
              <span className="grid size-4 place-items-center" aria-hidden>
                {afterMs !== null ? (
                  <Check className="size-4 text-screen-good" strokeWidth={2.5} />
                ) : (
                  <span
                    className={classes(
                      'size-1.5 rounded-full',
                      index === next ? 'bg-screen-accent animate-breathe' : 'bg-screen-muted',
                    )}
                  />
                )}
              </span>
              <span className="flex-1">{name}</span>
              {afterMs !== null && <span className="text-xs text-screen-muted tabular-nums">{duration(afterMs)}</span>}
            </li>
          ))}
        </ol>
      </div>
    </div>
  );
}
