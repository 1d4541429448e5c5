/**
 * What the tool made of a lent credential goes back into the vault: a rotated one becomes the next version as soon as
 * the tool has saved it, so that it outlives its sandbox, and once more before the sandbox goes; a blanked one is the
 * end of the sign-in and is never stored. Nobody else has a rotated token, so a failed try is not the last: it is asked
 * for until the sandbox is gone or patience ends.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { type CollectedCredential, limits, PolydevError } from '@polydev/protocol';
import type { Provider } from '@polydev/providers/provider';
import type { BaseLogger } from 'pino';
import { untilAborted } from '../abort.ts';
import type { AgentClient } from '../agent/client.ts';
import type { SandboxHandle } from '../sandboxes/sandboxes.ts';
import { judgeCaptured, type SecretBundle } from './bundle.ts';
import type { StoredCredential, Vault } from './vault.ts';

export interface Lent {
  sandbox: Pick<SandboxHandle, 'open' | 'gone'> & { agent: Pick<AgentClient, 'collect' | 'events'> };
  credential: StoredCredential;
  provider: Provider;
  /** What the vault holds of it. */
  bundle: SecretBundle;
  /** From now on nothing that is shown may hold what is in this, the newest of those that were renewed. */
  hide(renewed: SecretBundle): void;
}

export interface WriteBack {
  /**
   * Collects it for the last time. Answers the version that stands afterwards, as far as it is ours to judge; null when
   * it is not. Never rejects.
   */
  settle(): Promise<number | null>;
  /** The sandbox has something of it that the vault could not take, and would. */
  isOwed(): boolean;
  /** Resolves when nothing more is written here. */
  letGo(): Promise<void>;
}

export interface WriteBackPatience {
  patienceMs: number;
  /** Once the controller stops: its end does not wait longer. */
  stoppingMs: number;
  /** Between tries; the last one again and again. */
  delaysMs: readonly number[];
}

const writeBackPatience: Readonly<WriteBackPatience> = {
  patienceMs: limits.writeBackMs,
  stoppingMs: limits.stopWriteBackMs,
  delaysMs: [100, 250, 500, 1_000],
};

/** Of one sandbox; each may cost a version. A tool renews its token a few times in the longest run. */
const heardEvents = 50;

export interface WriteBackDeps {
  vault: Pick<Vault, 'replaceIfVersion' | 'setStatusIfVersion'>;
  log: Pick<BaseLogger, 'info' | 'warn'>;
  /** Aborts when the controller stops. */
  stopping: AbortSignal;
  patience?: WriteBackPatience;
}

/** From when it is lent on. */
export function startWriteBack(
  { vault, log, stopping, patience = writeBackPatience }: WriteBackDeps,
  { sandbox, credential, provider, bundle, hide }: Lent,
): WriteBack {
  const { id, kind } = credential;
  const { delaysMs } = patience;
  let { version } = credential;
  let stored = textOf(bundle);
  let isOwed = false;
  const over = new AbortController();
  const warn = (error: unknown) =>
    log.warn({ err: error, credential: id, version }, 'A credential was not written back.');

  async function keep({ status, changed, sealed }: CollectedCredential, signal: AbortSignal): Promise<void> {
    isOwed = false;
    if (status !== 'valid' || !changed || !sealed) return;
    const content = judgeCaptured(sandbox.open(sealed), provider);
    if (textOf(content.bundle) === stored) return;
    hide(content.bundle);
    // A try that waits for a database that is away is not broken off.
    const replace = async () => {
      try {
        return await vault.replaceIfVersion(id, version, content);
      } catch (error) {
        // What is refused is out of date.
        isOwed = !isPolydevError(error);
        throw error;
      }
    };
    ({ version } = await insist(replace, { signal, delaysMs, isFinal: isPolydevError }));
    isOwed = false;
    stored = textOf(content.bundle);
  }

  async function listen(): Promise<void> {
    const signal = AbortSignal.any([sandbox.gone, over.signal]);
    for await (const event of sandbox.agent.events(0, signal)) {
      if (event.n > heardEvents) return;
      if (event.type !== 'renewed') continue;
      try {
        await keep(await collect(sandbox, signal, delaysMs), signal);
      } catch (error) {
        if (signal.aborted) return;
        warn(error);
      }
    }
  }

  async function settle(): Promise<number | null> {
    await letGo();
    if (sandbox.gone.aborted) return null;
    const limit = limitOf(patience, stopping);
    try {
      const collected = await collect(sandbox, AbortSignal.any([sandbox.gone, limit.signal]), delaysMs);
      if (collected.status === 'blanked') {
        isOwed = false;
        await vault.setStatusIfVersion(id, version, 'expired');
        log.info({ credential: id, version }, 'The tool ended the sign-in; the stored credential is kept as expired.');
        return null;
      }
      await keep(collected, limit.signal);
      return version;
    } catch (error) {
      warn(error);
      return null;
    } finally {
      limit.lift();
    }
  }

  // What was not heard of is collected at the end.
  const listening =
    kind === 'api_key' ? Promise.resolve() : listen().catch((error) => over.signal.aborted || warn(error));
  async function letGo(): Promise<void> {
    over.abort();
    await listening;
  }

  // A key does not rotate.
  return {
    settle: kind === 'api_key' ? async () => version : settle,
    isOwed: () => isOwed && !sandbox.gone.aborted,
    letGo,
  };
}

const textOf = (bundle: SecretBundle) => JSON.stringify(bundle.reveal());

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
