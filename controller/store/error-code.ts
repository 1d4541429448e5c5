/** Codes of database errors, whichever client reports them: SQLSTATE, or that of the file system. */

/** True when the error, or what caused it, has one of the codes. */
export function hasErrorCode(error: unknown, ...codes: readonly string[]): boolean {
  for (let current = error; current instanceof Error; current = current.cause) {
    if ('code' in current && codes.includes(String(current.code))) return true;
  }
  return false;
}

export const uniqueViolation = '23505';
export const diskFull = ['53100', 'ENOSPC', 'EDQUOT'] as const;
