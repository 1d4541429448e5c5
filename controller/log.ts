/** The log: JSON lines on stderr, in which an error of the database never shows the values it was about. */

import { DrizzleQueryError } from 'drizzle-orm';
import { type DestinationStream, destination, type Logger, pino, stdSerializers } from 'pino';

/** SQLSTATE. */
const databaseCode = /^[0-9A-Z]{5}$/;
/** What a database says about an error without repeating values; its sentence may repeat one. */
const harmlessFields = ['code', 'severity', 'schema', 'table', 'column', 'constraint', 'routine'] as const;

export function createLog(level: string, to: DestinationStream = destination(2)): Logger {
  return pino({ name: 'controller', level, serializers: { err: serializeError } }, to);
}

/** Prompts, answers and account names are values of queries: they do not belong into a log. */
export function serializeError(error: unknown): unknown {
  return stdSerializers.err(withoutValues(error) as Error);
}

function withoutValues(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return error;
  if (depth > 8) return undefined;
  if (isDatabaseError(error)) return databaseError(error, depth);
  const cause = withoutValues(error.cause, depth + 1);
  const errors = 'errors' in error && Array.isArray(error.errors) ? error.errors : undefined;
  if (cause === error.cause && !errors) return error;
  // A copy of the same kind: the caller still has the original.
  const copy: Error = Object.create(error, {
    message: { value: error.message },
    stack: { value: error.stack },
    cause: { value: cause },
  });
  if (errors) Object.defineProperty(copy, 'errors', { value: errors.map((one) => withoutValues(one, depth + 1)) });
  return copy;
}

type DatabaseError = Error & { [K in (typeof harmlessFields)[number]]?: unknown };

function isDatabaseError(error: Error): error is DatabaseError {
  if (error instanceof DrizzleQueryError) return true;
  return 'severity' in error && 'code' in error && databaseCode.test(String(error.code));
}

function databaseError(error: DatabaseError, depth: number): Error {
  const shown = new Error(sentenceOf(error), { cause: withoutValues(error.cause, depth + 1) });
  const frames = error.stack?.split('\n').filter((line) => /^\s+at /.test(line)) ?? [];
  shown.stack = [`${error.name}: ${shown.message}`, ...frames].join('\n');
  for (const field of harmlessFields) {
    const value = error[field];
    if (typeof value === 'string') Object.assign(shown, { [field]: value });
  }
  return shown;
}

function sentenceOf(error: DatabaseError): string {
  if (error instanceof DrizzleQueryError) return `Failed query: ${error.query}`;
  return `The database refused it (${String(error.code)}).`;
}
