/**
 * What the tool made of a lent credential goes back into the vault: a rotated one becomes the next version, a blanked
 * one is the end of the sign-in and is never stored. Nobody else has a rotated token, so a failed try is not the last:
 * it is asked for until the sandbox is gone or patience ends.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { type CollectedCredential, limits, PolydevError } from '@polydev/protocol';
import type { Provider } from '@polydev/providers/provider';
import type { BaseLogger } from 'pino';
import { untilAborted } from '../abort.ts';
import type { AgentClient } from '../agent/client.ts';
import type { SandboxHandle } from '../sandboxes/sandboxes.ts';
import { judgeCaptured } from './bundle.ts';
import type { StoredCredential, Vault } from './vault.ts';

export interface Lent {
  sandbox: Pick<SandboxHandle, 'open' | 'gone'> & { agent: Pick<AgentClient, 'collect'> };
  credential: StoredCredential;
  provider: Provider;
}

/** Answers the version that stands afterwards, as far as it is ours to judge; null when it is not. Never rejects. */
export type WriteBack = (lent: Lent) => Promise<number | null>;

export interface WriteBackPatience {
  patienceMs: number;
  /** Once the controller stops: its end does not wait longer. */
  stoppingMs: number;
  /** Between tries; the last one again and again. */
  delaysMs: readonly number[];
}

const writeBackPatience: Readonly<WriteBackPatience> = {
  patienceMs: 30_000,
  stoppingMs: limits.stopWriteBackMs,
  delaysMs: [100, 250, 500, 1_000],
};

export interface WriteBackDeps {
  vault: Pick<Vault, 'replaceIfVersion' | 'setStatusIfVersion'>;
  log: Pick<BaseLogger, 'info' | 'warn'>;
  /** Aborts when the controller stops. */
  stopping: AbortSignal;
  patience?: WriteBackPatience;
}

export function createWriteBack({ vault, log, stopping, patience = writeBackPatience }: WriteBackDeps): WriteBack {
  const { delaysMs } = patience;

  return async ({ sandbox, credential, provider }) => {
    const { id, version, kind } = credential;
    if (kind === 'api_key') return version; // A key does not rotate.
    if (sandbox.gone.aborted) return null;
    const limit = limitOf(patience, stopping);
    try {
      const { status, changed, sealed } = await collect(
        sandbox,
        AbortSignal.any([sandbox.gone, limit.signal]),
        delaysMs,
      );
      if (status === 'blanked') {
        await vault.setStatusIfVersion(id, version, 'expired');
        log.info({ credential: id, version }, 'The tool ended the sign-in; the stored credential is kept as expired.');
        return null;
      }
      if (status !== 'valid' || !changed || !sealed) return version;
      const content = judgeCaptured(sandbox.open(sealed), provider);
      // A try that waits for a database that is away is not broken off.
      const store = () => vault.replaceIfVersion(id, version, content);
      const next = await insist(store, { signal: limit.signal, delaysMs, isFinal: isPolydevError });
      return next.version;
    } catch (error) {
      log.warn({ err: error, credential: id, version }, 'A credential was not written back.');
      return null;
    } finally {
      limit.lift();
    }
  };
}

function collect(
  { agent }: Lent['sandbox'],
  signal: AbortSignal,
  delaysMs: readonly number[],
): Promise<CollectedCredential> {
  /** An agent that started again does not know any more what it was lent. */
  const isFinal = (error: unknown) => isPolydevError(error) && error.code === 'sandbox_failed';
  return insist(() => untilAborted(agent.collect(), signal), { signal, delaysMs, isFinal });
}

interface Insistence {
  /** No try begins after it; then it rejects with what failed last. */
  signal: AbortSignal;
  delaysMs: readonly number[];
  /** Trying again would not help. */
  isFinal(error: unknown): boolean | Promise<boolean>;
}

async function insist<T>(attempt: () => Promise<T>, { signal, delaysMs, isFinal }: Insistence): Promise<T> {
  let lost: unknown;
  for (let tries = 0; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted) throw lost ?? error;
      if (await isFinal(error)) throw error;
      lost = error;
    }
    await sleep(delaysMs[Math.min(tries, delaysMs.length - 1)], undefined, { signal }).catch(() => {});
    if (signal.aborted) throw lost;
  }
}

function limitOf(
  { patienceMs, stoppingMs }: WriteBackPatience,
  stopping: AbortSignal,
): { signal: AbortSignal; lift(): void } {
  const over = new AbortController();
  const giveUp = () =>
    over.abort(new PolydevError('agent_unreachable', 'The sandbox did not give the credential back in time.'));
  let timer = setTimeout(giveUp, stopping.aborted ? stoppingMs : patienceMs);
  const hurry = () => {
    clearTimeout(timer);
    timer = setTimeout(giveUp, stoppingMs);
  };
  stopping.addEventListener('abort', hurry, { once: true });
  return {
    signal: over.signal,
    lift() {
      clearTimeout(timer);
      stopping.removeEventListener('abort', hurry);
    },
  };
}

function isPolydevError(error: unknown): error is PolydevError {
  return error instanceof PolydevError;
}
