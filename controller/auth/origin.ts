/** Tells our own pages from everyone else's, by what browsers say of themselves and pages cannot forge. */

import { PolydevError } from '@polydev/protocol';

export interface Asking {
  origin: string | undefined;
  /** `Sec-Fetch-Site`. */
  fetchSite: string | undefined;
  /** Host and port that the request was sent to. */
  host: string;
}

/** `own`: our page. `none`: not a page at all, or one of its links. `foreign`: somebody else's page. */
export type From = 'own' | 'none' | 'foreign';

export function fromWhere({ origin, fetchSite, host }: Asking, publicUrl: string | null): From {
  if (origin !== undefined) {
    const asked = URL.parse(origin);
    if (!asked) return 'foreign';
    const own = asked.host === host || (publicUrl !== null && asked.origin === new URL(publicUrl).origin);
    return own ? 'own' : 'foreign';
  }
  if (fetchSite === undefined || fetchSite === 'none') return 'none';
  return fetchSite === 'same-origin' ? 'own' : 'foreign';
}

export function wrongOrigin(): PolydevError {
  return new PolydevError('wrong_origin', 'This request does not come from a page of this Polydev.');
}
