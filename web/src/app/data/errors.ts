/** Any failure as the two sentences that the pages show, and whether it is worth trying again. */

import { PolydevApiError } from '@polydev/sdk';

export interface Failure {
  message: string;
  hint: string;
  /** To ask again changes nothing. */
  final?: boolean;
}

export function failureOf(error: unknown): Failure {
  if (error instanceof PolydevApiError) {
    const request = error.requestId === '' ? '' : ` Request ${error.requestId}.`;
    const hint = `${error.hint}${error.status === 500 ? request : ''}`;
    return { message: error.message, hint, final: error.status === 404 };
  }
  return { message: 'The page ran into something unexpected.', hint: error instanceof Error ? error.message : '' };
}
