/** One look at a sandbox: what it shows to the outside, as far as it answers in time. */

import { limits } from '@polydev/protocol';
import { untilAborted } from '../abort.ts';
import { createAgentClient } from '../agent/client.ts';
import type { AgentAccess } from '../services.ts';
import { takePicture } from './picture.ts';

export interface Look {
  /** As it is: see console-text.ts. So is the journal. */
  console: string;
  journal: string;
  /** PNG. */
  picture: Buffer | null;
}

export interface Subject {
  console(): Promise<string>;
  /** Undefined before its agent can be reached. */
  access: AgentAccess | undefined;
  /** It has a desktop whose picture is wanted. */
  wantsPicture: boolean;
  /** What does not answer within this is not waited for. */
  withinMs?: number | undefined;
}

/** Never rejects: what does not answer is as it was at the look before. */
export async function lookAt(subject: Subject, before: Look): Promise<Look> {
  const { console, access, wantsPicture, withinMs = limits.lastLookMs } = subject;
  const signal = AbortSignal.timeout(withinMs);
  const agent = access && createAgentClient({ endpoint: access, token: access.token }, { requestMs: withinMs });
  const seen = async <T>(found: Promise<T> | undefined, otherwise: T) =>
    found === undefined ? otherwise : await untilAborted(found, signal).catch(() => otherwise);
  const [consoleText, journal, picture] = await Promise.all([
    seen(console(), before.console),
    seen(agent?.journal(), before.journal),
    seen<Buffer | null>(access && wantsPicture ? takePicture(access, signal) : undefined, before.picture),
  ]);
  return { console: consoleText, journal, picture };
}
