/** What the vault's tests share. */

import { PolydevError } from '@polydev/protocol';
import fc from 'fast-check';

export const bytes = fc.uint8Array({ maxLength: 400 });

/** `assert.throws` takes it. */
export function withCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof PolydevError && error.code === code;
}

/** The base64url text with one bit of its bytes turned; `at` is taken modulo their number. */
export function flipBit(text: string, at: number): string {
  const buffer = Buffer.from(text, 'base64url');
  const bit = at % (buffer.length * 8);
  buffer[bit >> 3] = (buffer[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return buffer.toString('base64url');
}
