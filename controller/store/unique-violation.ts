/** Tells a broken uniqueness rule from other database errors, whichever client reports it. */

const uniqueViolation = '23505';

export function isUniqueViolation(error: unknown): boolean {
  for (let current = error; current instanceof Error; current = current.cause) {
    if ('code' in current && current.code === uniqueViolation) return true;
  }
  return false;
}
