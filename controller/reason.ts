/** What went wrong, in a form that is kept and shown. */

import { PolydevError, type Reason, toPolydevError } from '@polydev/protocol';
import { diskFull, hasErrorCode } from './store/error-code.ts';
import { databaseAway, isDatabaseLoss, noRoom } from './store/patience.ts';

/** Any thrown thing as a PolydevError: `internal` only when nothing better is known. */
export function failureOf(error: unknown): PolydevError {
  if (error instanceof PolydevError) return error;
  if (hasErrorCode(error, ...diskFull)) return noRoom(error);
  if (isDatabaseLoss(error)) return databaseAway(error);
  return toPolydevError(error);
}

/** Why a session or a run ended badly. */
export function reasonOf(error: unknown): Reason {
  const { code, message, hint } = failureOf(error);
  return { code, message, hint };
}
