/** The log: JSON lines on stderr, in which an error of the database never shows the values it was about. */

import { DrizzleQueryError } from 'drizzle-orm';
import { type DestinationStream, destination, type Logger, type LoggerOptions, pino, stdSerializers } from 'pino';

/** SQLSTATE. */
const databaseCode = /^[0-9A-Z]{5}$/;
/** Of causes within causes; they may go round in a circle. */
const maxDepth = 8;

/** What a database says about an error without repeating values; its sentence may repeat one. */
const harmlessFields = ['code', 'severity', 'schema', 'table', 'column', 'constraint', 'routine'] as const;

export function createLog(level: string, to: DestinationStream = destination(2)): Logger {
  const options: LoggerOptions = {
    name: 'controller',
    level,
    serializers: { err: serializeError },
    hooks: { logMethod },
  };
  return pino(options, to);
}

/** Where no sentence is given, pino takes the error's own, as it is. */
const logMethod: NonNullable<LoggerOptions['hooks']>['logMethod'] = function (args, method) {
  const [first, ...rest] = args as unknown[];
  const error = first instanceof Error ? first : (first as { err?: unknown } | undefined)?.err;
  const bare = rest.length === 0 && error instanceof Error;
  method.apply(this, bare ? [first as object, withoutValues(error).message] : args);
};

/** Prompts, answers and account names are values of queries: they do not belong into a log. */
function serializeError(error: unknown): unknown {
  return stdSerializers.err((error instanceof Error ? withoutValues(error) : error) as Error);
}

function withoutValues(error: Error, depth = 0): Error {
  if (isDatabaseError(error)) return databaseError(error, depth);
  const cause = partWithoutValues(error.cause, depth + 1);
  const errors = 'errors' in error && Array.isArray(error.errors) ? error.errors : undefined;
  if (cause === error.cause && !errors) return error;
  // A copy of the same kind: the caller still has the original.
  const copy: Error = Object.create(error, {
    message: { value: error.message },
    stack: { value: error.stack },
    cause: { value: cause },
  });
  if (errors) Object.defineProperty(copy, 'errors', { value: errors.map((one) => partWithoutValues(one, depth + 1)) });
  return copy;
}

function partWithoutValues(part: unknown, depth: number): unknown {
  if (!(part instanceof Error)) return part;
  return depth > maxDepth ? undefined : withoutValues(part, depth);
}

type DatabaseError = Error & { [K in (typeof harmlessFields)[number]]?: unknown };

function isDatabaseError(error: Error): error is DatabaseError {
  if (error instanceof DrizzleQueryError) return true;
  return 'severity' in error && 'code' in error && databaseCode.test(String(error.code));
}

function databaseError(error: DatabaseError, depth: number): Error {
  const shown = new Error(sentenceOf(error), { cause: partWithoutValues(error.cause, depth + 1) });
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
