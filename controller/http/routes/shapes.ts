/** Schemas that several routes share. */

import { type IdKind, idSchema } from '@polydev/protocol';
import { type TSchema, Type } from 'typebox';
import type { Access } from '../../auth/guard.ts';

/** Whom a route is for; every route says it. */
export const access = (whom: Access) => ({ config: { access: whom } });

export const Items = <T extends TSchema>(item: T) => Type.Object({ items: Type.Array(item) });
export const Nothing = Type.Null({ description: 'No content.' });
export const withId = <K extends IdKind>(kind: K) => Type.Object({ id: idSchema(kind) });
