/** Why a session or a run ended badly, as it is kept and shown. */

import { type Reason, toPolydevError } from '@polydev/protocol';

export function reasonOf(error: unknown): Reason {
  const { code, message, hint } = toPolydevError(error);
  return { code, message, hint };
}
