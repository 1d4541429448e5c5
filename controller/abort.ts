/** Waiting that can be broken off. Aborts of this project carry a PolydevError that says why. */

import { type PolydevError, toPolydevError } from '@polydev/protocol';

export function abortError(signal: AbortSignal): PolydevError {
  return toPolydevError(signal.reason);
}

/** The promise, or the signal's reason if that comes first. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => {});
    throw abortError(signal);
  }
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(abortError(signal));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
