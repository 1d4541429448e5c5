/** How hostd and its client speak, besides the shapes of the protocol: errors, and the stream of exits. */

import { isErrorCode, PolydevError, SandboxExit, SandboxSpec, toPolydevError } from '@polydev/protocol';
import { type Static, Type } from 'typebox';

/** First the sandboxes that live, then each that ends. One JSON object a line. */
export const EventLine = Type.Union([
  Type.Object({ type: Type.Literal('living'), ids: Type.Array(SandboxExit.properties.id) }),
  Type.Object({ type: Type.Literal('exit'), ...SandboxExit.properties }),
]);
export type EventLine = Static<typeof EventLine>;

export const RestoreBody = Type.Object({ snapshot: Type.String({ maxLength: 200 }), spec: SandboxSpec });
export type RestoreBody = Static<typeof RestoreBody>;

/** The cause travels as text: the controller logs it, nobody else sees it. */
export const WireError = Type.Object({
  error: Type.Object({
    code: Type.String(),
    message: Type.String(),
    details: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
    cause: Type.String(),
  }),
});
export type WireError = Static<typeof WireError>;

export function toWire(error: unknown): { status: number; body: WireError } {
  const { status, code, message, details, cause } = toPolydevError(error);
  return { status, body: { error: { code, message, details, cause: causeText(cause) } } };
}

export function fromWire({ error }: WireError): PolydevError {
  return new PolydevError(isErrorCode(error.code) ? error.code : 'internal', error.message, {
    details: error.details,
    ...(error.cause && { cause: new Error(error.cause) }),
  });
}

function causeText(cause: unknown): string {
  if (cause === undefined) return '';
  if (!(cause instanceof Error)) return String(cause);
  const deeper = causeText(cause.cause);
  return deeper && !cause.message.includes(deeper) ? `${cause.message}\n${deeper}` : cause.message;
}
