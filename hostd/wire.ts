/** What hostd and its client say to each other, beside the shapes of protocol/sandbox.ts. */

import { idSchema, SandboxExit } from '@polydev/protocol';
import { type Static, Type } from 'typebox';

/** Lines of `GET /events`: first who is alive, so that a client that was away learns whom it lost; then each end. */
export const HostdEvent = Type.Union([
  Type.Object({ type: Type.Literal('alive'), ids: Type.Array(idSchema('sandbox')) }),
  Type.Object({ type: Type.Literal('exit'), exit: SandboxExit }),
]);
export type HostdEvent = Static<typeof HostdEvent>;

export const WireError = Type.Object({ error: Type.Object({ code: Type.String(), message: Type.String() }) });
