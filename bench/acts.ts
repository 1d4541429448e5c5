/** What people do with the product, as programs that hurry would: sign in and change their mind, and prompt. */

import { type CredentialId, isFinal, sessionMoves } from '@polydev/protocol';
import type { Polydev } from '@polydev/sdk';

/** From asking until the desktop is there. The sign-in is cancelled after `stay`, and resolves when it has ended. */
export async function signIn(polydev: Polydev, stay = async (): Promise<void> => {}): Promise<number> {
  const startedMs = performance.now();
  const { sessionId } = await polydev.sessions.start({ provider: 'claude_code' });
  let readyMs: number | undefined;
  for await (const { event } of polydev.sessions.events(sessionId)) {
    if (event.type !== 'state') continue;
    if (event.state === 'ready') {
      readyMs = performance.now() - startedMs;
      await stay();
      await polydev.sessions.cancel(sessionId);
    }
    if (isFinal(sessionMoves, event.state)) break;
  }
  if (readyMs !== undefined) return readyMs;
  const { state, reason } = await polydev.sessions.get(sessionId);
  throw new Error(`A sign-in was never ready: ${state}, ${reason?.message}`);
}

/** From asking until the answer is whole. Without a credential it is the only one that there is. */
export async function prompt(polydev: Polydev, credentialId?: CredentialId): Promise<number> {
  const startedMs = performance.now();
  const { id } = await polydev.runs.start({
    provider: 'claude_code',
    prompt: 'Please say exactly pear',
    ...(credentialId && { credentialId }),
  });
  for await (const _ of polydev.runs.stream(id));
  const { state, reason } = await polydev.runs.get(id);
  if (state !== 'succeeded') throw new Error(`A run did not succeed: ${state}, ${reason?.message}`);
  return performance.now() - startedMs;
}
