/** A stop after which another controller, or this one once it starts again, goes on where this one left. */

import { PolydevError } from '@polydev/protocol';

/** The reason of such a stop's signal. */
export const handOver = new PolydevError('unavailable', 'Polydev is being restarted.');

export function isHandedOver(signal: AbortSignal): boolean {
  return signal.reason === handOver;
}
