/** What Drizzle wants to have as PostgreSQL writes it. */

import { type ParserOptions, types } from '@electric-sql/pglite';

/** Of arrays; the library names only the types themselves. */
const arrays = { timestamp: 1115, date: 1182, timestamptz: 1185, interval: 1187, numeric: 1231 };
const asText = [types.TIMESTAMP, types.TIMESTAMPTZ, types.INTERVAL, types.DATE, ...Object.values(arrays)];

export const parsers: ParserOptions = Object.fromEntries(asText.map((type) => [type, (value: string) => value]));
