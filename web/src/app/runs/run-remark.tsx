/** What is worth saying about a run's state in a list: nothing, when it went well. */

import type { RunState } from '@polydev/protocol';
import { StatusDot, type Tone } from '../../ui/status.tsx';

const remarks: Partial<Record<RunState, { tone: Tone; word: string }>> = {
  queued: { tone: 'accent', word: 'waiting' },
  starting: { tone: 'accent', word: 'running' },
  running: { tone: 'accent', word: 'running' },
  failed: { tone: 'bad', word: 'failed' },
  timed_out: { tone: 'bad', word: 'timed out' },
  cancelled: { tone: 'neutral', word: 'stopped' },
};

export function RunRemark({ state }: { state: RunState }) {
  const remark = remarks[state];
  if (!remark) return null;
  return (
    <span className="flex shrink-0 items-center gap-1.5 text-xs text-muted">
      <StatusDot tone={remark.tone} pulsing={remark.tone === 'accent'} />
      {remark.word}
    </span>
  );
}
