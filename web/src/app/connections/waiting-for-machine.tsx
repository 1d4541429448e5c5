/** Says why a sign-in that was asked for does not begin at once. */

import { useSettled } from '../../ui/settled.ts';

const oddAfterMs = 1000;
const sentence = 'No desktop is free right now. Waiting for one.';

export function WaitingForMachine({ waiting }: { waiting: boolean }) {
  const late = useSettled(waiting, oddAfterMs) && waiting;
  return <div role="status">{late && <p className="mt-4 text-sm text-muted">{sentence}</p>}</div>;
}
