/** Pages of a table that is read newest first: what comes after the last row of the page before. */

import { and, type Column, eq, lt, or, type SQL } from 'drizzle-orm';

interface Dated {
  createdAtMs: Column;
  id: Column;
}

/** For rows in descending order of time and, within a millisecond, of id. */
export function olderThan(table: Dated, last: { createdAtMs: number; id: string }): SQL | undefined {
  return or(
    lt(table.createdAtMs, last.createdAtMs),
    and(eq(table.createdAtMs, last.createdAtMs), lt(table.id, last.id)),
  );
}
