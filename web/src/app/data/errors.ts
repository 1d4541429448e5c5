/** Any failure as the two sentences that the pages show. */

import { PolydevApiError } from '@polydev/sdk';

export interface Failure {
  message: string;
  hint: string;
}

export function failureOf(error: unknown): Failure {
  if (error instanceof PolydevApiError) {
    const request = error.requestId === '' ? '' : ` Request ${error.requestId}.`;
    return { message: error.message, hint: `${error.hint}${error.status === 500 ? request : ''}` };
  }
  return { message: 'The page ran into something unexpected.', hint: error instanceof Error ? error.message : '' };
}
