/** AccountInfo out of untrusted parts: what does not fit the schema is left out. */

import type { AccountInfo } from '@polydev/protocol';

export function accountOf(parts: { email?: string; plan?: string; expiresAtMs?: number }): AccountInfo {
  const { email, plan, expiresAtMs } = parts;
  return {
    ...(email && email.length <= 320 && { email }),
    ...(plan && plan.length <= 100 && { plan }),
    ...(expiresAtMs !== undefined && Number.isSafeInteger(expiresAtMs) && expiresAtMs > 0 && { expiresAtMs }),
  };
}
