/** The one error that the client throws. */

import type { ErrorBody, ErrorCode } from '@polydev/protocol';

/** `unreachable`: no answer at all. `bad_answer`: an answer that is not Polydev's. */
export type ApiErrorCode = ErrorCode | 'unreachable' | 'bad_answer';

export interface ApiErrorFields {
  code: ApiErrorCode;
  /** One sentence for people: what happened. */
  message: string;
  /** One sentence for people: what to do. */
  hint: string;
  /** Names the request in the controller's log; empty when no answer came. */
  requestId: string;
  /** HTTP status; 0 when no answer came. */
  status: number;
}

export class PolydevApiError extends Error {
  readonly code: ApiErrorCode;
  readonly hint: string;
  readonly requestId: string;
  readonly status: number;

  constructor(fields: ApiErrorFields, options: { cause?: unknown } = {}) {
    super(fields.message, options);
    this.name = 'PolydevApiError';
    this.code = fields.code;
    this.hint = fields.hint;
    this.requestId = fields.requestId;
    this.status = fields.status;
  }

  /** True when the same request may succeed a little later. */
  get passing(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

export function unreachable(baseUrl: string, cause: unknown): PolydevApiError {
  return new PolydevApiError(
    {
      code: 'unreachable',
      message: `Polydev does not answer${baseUrl === '' ? '' : ` at ${baseUrl}`}.`,
      hint: 'Check the address and the connection, and that Polydev is running.',
      requestId: '',
      status: 0,
    },
    { cause },
  );
}

/** The error that an answer with a bad status stands for, whoever sent it. */
export async function errorOf(response: Response): Promise<PolydevApiError> {
  const body: unknown = await response.json().catch(() => undefined);
  if (isErrorBody(body)) return new PolydevApiError({ ...body.error, status: response.status });
  return new PolydevApiError({
    code: 'bad_answer',
    message: `The server answered ${response.status} without saying why.`,
    hint: 'Check that the address is Polydev, and that no proxy in between refuses the request.',
    requestId: response.headers.get('x-request-id') ?? '',
    status: response.status,
  });
}

function isErrorBody(value: unknown): value is ErrorBody {
  if (typeof value !== 'object' || value === null || !('error' in value)) return false;
  const { error } = value;
  return typeof error === 'object' && error !== null && 'code' in error && 'message' in error;
}
