/** The line in the log about a sign-in or a run that ended badly. */

import { type ErrorCode, type PolydevError, type RunId, type SessionId, toPolydevError } from '@polydev/protocol';
import type { BaseLogger } from 'pino';
import { failureOf } from './reason.ts';

const wanted: ReadonlySet<string> = new Set(['run_cancelled', 'sign_in_cancelled', 'session_over']);

/** Somebody asked for this end. */
export const isWantedEnd = (code: ErrorCode) => wanted.has(code);

export function logFailure(
  log: Pick<BaseLogger, 'warn' | 'error'>,
  error: unknown,
  about: { session: SessionId } | { run: RunId },
): void {
  const failure = failureOf(error);
  const { code, cause } = failure;
  if (isWantedEnd(code)) return;
  const what = 'run' in about ? 'A run' : 'A sign-in';
  if (code === 'internal') log.error({ ...about, code, err: cause ?? failure }, `${what} failed inside Polydev.`);
  else if (!holdsToolsWords(failure)) log.warn({ ...about, code, err: failure }, `${what} failed.`);
  else {
    const because = cause === undefined ? undefined : toPolydevError(cause).code;
    log.warn({ ...about, code, ...(because && { because }) }, `${what} failed; what the tool said is kept with it.`);
  }
}

/** They may repeat the prompt or name the account. */
function holdsToolsWords({ code }: PolydevError): boolean {
  return code.startsWith('provider_') || code === 'proof_failed';
}
