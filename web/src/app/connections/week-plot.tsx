/** Seven small bars: how much a tool was used this week. */

import { tokens } from '../../ui/times.ts';
import type { Week } from './week.ts';

const barWidth = 8;
const gap = 4;
const height = 24;
const width = 7 * barWidth + 6 * gap;

export function WeekPlot({ week }: { week: Week }) {
  const most = Math.max(1, ...week.days);
  const runs = `${week.runs} ${week.runs === 1 ? 'run' : 'runs'} this week`;
  return (
    <div className="flex items-end justify-between gap-4 text-xs text-muted">
      <p>
        <span className="block text-text tabular-nums">
          {runs}
          {week.failed > 0 && <span className="text-muted">, {week.failed} failed</span>}
        </span>
        <span className="tabular-nums">{tokens(week.tokens)} tokens</span>
      </p>
      <svg viewBox={`0 0 ${width} ${height}`} width={width} height={height} aria-hidden="true">
        {week.days.map((count, index) => {
          const tall = count === 0 ? 2 : 3 + (count / most) * (height - 3);
          return (
            <rect
              // biome-ignore lint/suspicious/noArrayIndexKey: a day is its place
              key={index}
              x={index * (barWidth + gap)}
              y={height - tall}
              width={barWidth}
              height={tall}
              rx={1.5}
              className={count === 0 ? 'fill-line' : 'fill-accent'}
            />
          );
        })}
      </svg>
    </div>
  );
}
