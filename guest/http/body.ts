/** Request bodies in, JSON answers out. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { PolydevError, toPolydevError } from '@polydev/protocol';
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';

/** Reads at most `maxBytes` and accepts only what the schema describes. */
export async function readBody<T extends TSchema>(
  request: IncomingMessage,
  schema: T,
  maxBytes: number,
): Promise<Static<T>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // A refused body leaves the connection open for the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new PolydevError('payload_too_large', `The body is larger than ${maxBytes} bytes.`);
    chunks.push(chunk);
  }
  return parse(Buffer.concat(chunks).toString(), schema);
}

function parse<T extends TSchema>(text: string, schema: T): Static<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new PolydevError('invalid_request', 'The body is not JSON.');
  }
  if (Value.Check(schema, value)) return value;
  const [first] = Value.Errors(schema, value);
  throw new PolydevError('invalid_request', `The body does not fit: ${first?.instancePath || '/'} ${first?.message}.`);
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  response.end(text);
}

export function sendNothing(response: ServerResponse, status: 202 | 204): void {
  response.writeHead(status, status === 204 ? {} : { 'content-length': 0 }).end();
}

/** Status and body of an error. What is not a PolydevError shows nothing of itself. */
export function errorAnswer(error: unknown): { status: number; body: { error: { code: string; message: string } } } {
  const { status, code, message } = toPolydevError(error);
  return { status, body: { error: { code, message } } };
}
