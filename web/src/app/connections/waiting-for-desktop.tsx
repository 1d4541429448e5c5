/** Says why a sign-in that was asked for does not begin at once. */

import { useSettled } from '../../ui/settled.ts';

const oddAfterMs = 1000;

/** Whether it has been asked for so long ago that somebody wonders. */
export function useLate(pending: boolean): boolean {
  return useSettled(pending, oddAfterMs) && pending;
}

export function WaitingForDesktop({ waiting }: { waiting: boolean }) {
  const late = useLate(waiting);
  return (
    <div role="status">
      {late && <p className="mt-4 text-sm text-muted">No desktop is free right now. Waiting for one.</p>}
    </div>
  );
}
