/** The tiny real run that shows whether a credential works. */

import { limits, newId, PolydevError } from '@polydev/protocol';
import type { Provider } from '@polydev/providers/provider';
import type { AgentClient } from '../agent/client.ts';
import type { Redact } from '../credentials/redact.ts';
import { runTool } from './tool.ts';

const prompt = 'Reply with the single word OK.';
const shownChars = 200;

export interface Proof {
  /** The provider took the credential. */
  accepted: boolean;
  /** One line: the answer, or why not. */
  text: string;
  failure: PolydevError | null;
}

/** Rejects only when the sandbox cannot be talked to, or with the reason of `gone`. */
export async function prove(request: {
  agent: AgentClient;
  provider: Provider;
  kind: 'files' | 'api_key';
  redact: Redact;
  /** Aborting asks the tool to end; its reason becomes the failure. */
  stop?: AbortSignal;
  gone: AbortSignal;
  /** Of a sandbox in which nothing but the tool asks for connections. */
  refusal?: () => PolydevError | null;
}): Promise<Proof> {
  let answer = '';
  const failure = await runTool({
    stop: new AbortController().signal,
    ...request,
    execId: newId('run'),
    prompt,
    deadlineMs: limits.proofMs,
    onEvent(event) {
      if (event.type === 'text' && answer.length < shownChars) answer += event.text;
    },
  });
  const spoke = answer.trim() !== '';
  const silent = new PolydevError('provider_failed', 'The tool ended without an answer.');
  const found = failure ?? (spoke ? null : silent);
  // Who is at a limit was recognised: the credential works, only not now.
  const accepted = found === null || found.code === 'provider_limit';
  return { accepted, text: oneLine(found ? found.message : answer), failure: found };
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, shownChars);
}
