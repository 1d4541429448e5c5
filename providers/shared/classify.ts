/** What kind of failure a message speaks of, and the message made fit to be shown and kept. */

import type { RunFailureCode } from '@polydev/protocol';

const limit =
  /\b429\b|rate.?limit|usage.?limit|too many requests|quota|RESOURCE_EXHAUSTED|credit balance|add funds|billing/i;
const auth =
  /\b40[13]\b|unauthori[sz]ed|forbidden|unauthenticated|authenticat|not logged in|log ?in again|sign(ed)? ?in|\/login\b|api.key|credentials?\b|refresh.token|token.{0,20}(expired|revoked|invalid)|permission.denied|invalid_grant|no longer supported|not eligible/i;

/** Said by the network, before any provider could answer: what it says of refusals is not about the credential. */
const unreachable =
  /\bE(CONN(RESET|REFUSED|ABORTED)|NOTFOUND|AI_AGAIN|TIMEDOUT|HOSTUNREACH|NETUNREACH)\b|ERR_PROXY|certificate|connection (failed|dropped|refused|reset|timed out|broke off)|(unable to|couldn't|cannot) connect|error sending request|fetch failed|asked: no answer/i;

export function classify(message: string): RunFailureCode {
  if (unreachable.test(message)) return 'provider_unreachable';
  if (limit.test(message)) return 'provider_limit';
  return auth.test(message) ? 'provider_auth' : 'provider_failed';
}

/** Failure code for the HTTP status that a provider answered with, if the status says enough. */
export function codeOfStatus(status: number | undefined): RunFailureCode | undefined {
  if (status === 401 || status === 403) return 'provider_auth';
  return status === 429 ? 'provider_limit' : undefined;
}

/** Keys and tokens of the three providers; the harmless start stays readable. */
const secretShapes = /\b(sk-(?:ant-|proj-)?|AIza|ya29\.|1\/\/|eyJ)[\w.*/-]{6,}/g;

export function withoutSecrets(text: string): string {
  return text.replace(secretShapes, '$1…');
}

/** Quick, and true for every line that holds one in plain spelling. */
export function mayHoldSecret(text: string): boolean {
  return /sk-|AIza|ya29\.|1\/\/|eyJ/.test(text);
}

/** One line, cut to so many characters. */
export function oneLine(text: string, maxLength: number): string {
  const line = text
    .slice(0, maxLength * 4)
    .replace(/\s+/g, ' ')
    .trim();
  return line.length <= maxLength ? line : `${line.slice(0, maxLength - 1)}…`;
}
