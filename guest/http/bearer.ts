/** Who may speak to the agent: whoever knows the token of this sandbox. */

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

const digest = (text: string) => createHash('sha256').update(text).digest();

/** Takes the same time for every wrong token. */
export function createBearerCheck(token: string): (request: IncomingMessage) => boolean {
  const expected = digest(`Bearer ${token}`);
  return (request) => timingSafeEqual(digest(request.headers.authorization ?? ''), expected);
}
