/**
 * Lends a stored credential to one headless sandbox at a time. Whatever happens there, what the tool made of the
 * credential is fetched before the sandbox goes: a rotated one becomes the next version, a blanked one is the end of
 * the sign-in and is never stored.
 */

import { type CredentialId, PolydevError, type Sandbox } from '@polydev/protocol';
import type { Provider } from '@polydev/providers/provider';
import type { BaseLogger } from 'pino';
import { abortError } from '../abort.ts';
import type { Sandboxes, SandboxHandle } from '../sandboxes/sandboxes.ts';
import { encodeBundle, judgeCaptured } from './bundle.ts';
import type { CredentialLease, Leases } from './leases.ts';
import { createRedact, type Redact } from './redact.ts';
import type { StoredCredential, Vault } from './vault.ts';

export interface BorrowRequest {
  credentialId: CredentialId;
  owner: NonNullable<Sandbox['owner']>;
  /** Wait in line for the credential and for a sandbox, instead of failing with `credential_busy` or `capacity`. */
  wait: boolean;
  /** Lend it even if its last use showed that it has expired. */
  evenExpired: boolean;
  signal: AbortSignal;
  /** All waiting is over; the sandbox is being made. */
  onStarting?: () => Promise<void>;
}

export interface Borrowed {
  sandbox: SandboxHandle;
  credential: StoredCredential;
  provider: Provider;
  redact: Redact;
  /** Aborts with the request's signal, or when another may have taken the credential. */
  stop: AbortSignal;
}

/** What the work found out about the credential. */
export interface Verdict {
  /** Undefined: nothing new. */
  works?: boolean;
}

export type Borrow = <T extends Verdict>(
  request: BorrowRequest,
  work: (borrowed: Borrowed) => Promise<T>,
) => Promise<T>;

export function createBorrow(deps: {
  vault: Vault;
  leases: Leases;
  sandboxes: Sandboxes;
  providerOf: (id: Provider['id']) => Provider;
  log: Pick<BaseLogger, 'info' | 'warn'>;
}): Borrow {
  const { vault, leases, sandboxes, log } = deps;

  /** The version that stands after the write-back, as far as it is ours to judge; null when it is not. */
  async function writeBack({ sandbox, credential, provider }: Borrowed): Promise<number | null> {
    const { id, version, kind } = credential;
    if (kind === 'api_key') return version; // A key does not rotate.
    if (sandbox.gone.aborted) return null;
    try {
      const { status, changed, sealed } = await sandbox.agent.collect();
      if (status === 'blanked') {
        await vault.setStatusIfVersion(id, version, 'expired');
        log.info({ credential: id, version }, 'The tool ended the sign-in; the stored credential is kept as expired.');
        return null;
      }
      if (status !== 'valid' || !changed || !sealed) return version;
      const next = await vault.replaceIfVersion(id, version, judgeCaptured(sandbox.open(sealed), provider));
      return next.version;
    } catch (error) {
      log.warn({ err: error, credential: id, version }, 'A credential was not written back.');
      return null;
    }
  }

  async function lend<T extends Verdict>(
    request: BorrowRequest,
    lease: CredentialLease,
    work: (borrowed: Borrowed) => Promise<T>,
  ): Promise<T> {
    const { credentialId, owner, wait, evenExpired, onStarting } = request;
    const signal = AbortSignal.any([request.signal, lease.lost]);
    const { stored: credential, bundle } = await vault.open(credentialId);
    if (credential.status !== 'active' && !evenExpired) {
      throw new PolydevError('credential_expired', 'The provider no longer accepts this credential.');
    }
    const provider = deps.providerOf(credential.provider);
    const sandbox = await sandboxes.acquire({
      profile: 'headless',
      owner,
      userId: credential.userId,
      provider: provider.id,
      capture: false,
      wait,
      signal,
      ...(onStarting && { onStarting }),
    });
    try {
      await sandbox.agent.restore(sandbox.seal(encodeBundle(bundle)));
      await vault.touch(credentialId);
      const borrowed = { sandbox, credential, provider, redact: createRedact(bundle), stop: signal };
      let verdict: Verdict = {};
      try {
        const result = await work(borrowed);
        verdict = result;
        return result;
      } catch (error) {
        // A dead sandbox does not answer either, but that it is dead says more.
        throw sandbox.gone.aborted ? abortError(sandbox.gone) : error;
      } finally {
        const version = await writeBack(borrowed);
        const status = verdict.works === undefined ? credential.status : verdict.works ? 'active' : 'expired';
        if (version !== null && status !== 'unproven' && status !== credential.status) {
          await vault.setStatusIfVersion(credentialId, version, status);
        }
      }
    } finally {
      await sandbox.release();
    }
  }

  return async (request, work) => {
    const { credentialId, wait, signal } = request;
    const lease = wait ? await leases.wait(credentialId, signal) : await leases.take(credentialId);
    try {
      return await lend(request, lease, work);
    } finally {
      await lease.release();
    }
  };
}
