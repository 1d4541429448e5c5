/** A moment, relative; the exact one on hover. */

import { useNowMs } from './clock.ts';
import { exactTime, relativeTime } from './times.ts';

export function Time({ atMs }: { atMs: number }) {
  const nowMs = useNowMs();
  return (
    <time className="whitespace-nowrap tabular-nums" dateTime={new Date(atMs).toISOString()} title={exactTime(atMs)}>
      {relativeTime(atMs, Math.max(nowMs, atMs))}
    </time>
  );
}
