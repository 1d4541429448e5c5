/** Tells a broken uniqueness rule from other database errors. */

import { hasErrorCode, uniqueViolation } from './error-code.ts';

export function isUniqueViolation(error: unknown): boolean {
  return hasErrorCode(error, uniqueViolation);
}
