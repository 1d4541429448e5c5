/** What stands where the picture will be: how far the machine is, with times. */

import { Check } from 'lucide-react';
import { classes } from '../../ui/classes.ts';
import { duration } from '../../ui/times.ts';
import type { Stage } from './timeline.ts';

export function Stages({ stages }: { stages: readonly Stage[] }) {
  const next = stages.findIndex(({ afterMs }) => afterMs === null);
  return (
    <div className="grid min-h-full place-items-center p-6 text-[oklch(0.93_0.006_262)]">
      <div className="w-full max-w-64">
        <p className="text-base font-semibold">A desktop of your own</p>
        <ol className="mt-4 space-y-2.5 text-sm">
          {stages.map(({ name, afterMs }, index) => (
            <li
              key={name}
              className={classes(
                'flex items-center gap-2.5',
                afterMs === null && index !== next && 'text-[oklch(0.68_0.012_262)]',
              )}
            >
              <span className="grid size-4 place-items-center" aria-hidden>
                {afterMs !== null ? (
                  <Check className="size-4 text-[oklch(0.8_0.12_155)]" strokeWidth={2.5} />
                ) : (
                  <span
                    className={classes(
                      'size-1.5 rounded-full',
                      index === next ? 'bg-[oklch(0.8_0.09_262)] animate-breathe' : 'bg-[oklch(0.5_0.012_262)]',
                    )}
                  />
                )}
              </span>
              <span className="flex-1">{name}</span>
              {afterMs !== null && (
                <span className="text-xs text-[oklch(0.72_0.012_262)]">{duration(afterMs)}</span>
              )}
            </li>
          ))}
        </ol>
      </div>
    </div>
  );
}
