/** Pieces that several schemas are made of. */

import { type TSchema, Type } from 'typebox';

export const Time = Type.Integer({ description: 'Milliseconds since 1970-01-01 UTC.' });
export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

/** One line that is not blank. */
export const Line = (maxLength: number) =>
  Type.String({ minLength: 1, maxLength, pattern: '^(?=.*\\S)[^\\u0000-\\u001f\\u007f]+$' });

/** One of the states of a table in states.ts. */
export function keysOf<S extends string>(moves: Record<S, unknown>) {
  return Type.Unsafe<S>(Type.String({ enum: Object.keys(moves) }));
}
