/** Says why a sign-in that was asked for does not begin at once. */

import { useSettled } from '../../ui/settled.ts';

const oddAfterMs = 1000;

export function WaitingForMachine({ waiting }: { waiting: boolean }) {
  const late = useSettled(waiting, oddAfterMs) && waiting;
  return (
    late && (
      <p role="status" className="mt-4 text-sm text-muted">
        Every machine is in use. Waiting for one to become free.
      </p>
    )
  );
}
