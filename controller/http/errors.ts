/** Every failure leaves as `{error:{code,message,hint,requestId}}`; its cause stays in the log under that id. */

import { type ErrorBody, type ErrorCode, PolydevError } from '@polydev/protocol';
import type {
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifySchemaValidationError,
} from 'fastify';
import { failureOf } from '../reason.ts';

export function addErrorHandling(app: FastifyInstance): void {
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(() => {
    throw new PolydevError('not_found', 'There is nothing at this address.');
  });
}

/** Also for what the framework refuses before there is a route, such as an address that cannot be decoded. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = asPolydevError(error);
  request.log[levelOf(known)]({ code: known.code, details: known.details, err: known.cause ?? known }, known.message);
  if (comeBack.has(known.status) && !reply.hasHeader('retry-after'))
    reply.header('retry-after', String(known.details.retryAfterSeconds ?? retryAfterSeconds));
  return reply.code(known.status).send(errorBody(known, request.id));
}

/** Statuses of what may go well later. */
const comeBack: ReadonlySet<number> = new Set([429, 503]);
/** For what does not know it better. */
const retryAfterSeconds = 5;

/** Who asks too often, or while a store is known to be away, must not fill the log with it. */
function levelOf({ code, status, cause }: PolydevError): 'debug' | 'warn' | 'error' {
  if (code === 'rate_limited' || (code === 'unavailable' && cause === undefined)) return 'debug';
  return status >= 500 ? 'error' : 'warn';
}

function errorBody(error: PolydevError, requestId: string): ErrorBody {
  return { error: { code: error.code, message: error.message, hint: error.hint, requestId } };
}

/** One sentence that names the place and the rule, never the value: it may be a secret. */
export function describeValidation(problems: FastifySchemaValidationError[], part: string): PolydevError {
  const [problem] = problems;
  const where = [part, ...(problem?.instancePath ?? '').split('/').slice(1)].join('.');
  return new PolydevError('invalid_request', `${where} ${problem?.message ?? 'is not valid'}.`);
}

const codeOfFastify: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload_too_large',
  FST_ERR_NOT_FOUND: 'not_found',
};

function asPolydevError(error: unknown): PolydevError {
  if (error instanceof PolydevError) return error;
  const { code, statusCode, message } = error as Partial<FastifyError>;
  if (statusCode === undefined || statusCode >= 500) return failureOf(error);
  return new PolydevError(codeOfFastify[code ?? ''] ?? 'invalid_request', sentence(message), { cause: error });
}

function sentence(text: string | undefined): string {
  if (!text) return 'The request is not valid.';
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
