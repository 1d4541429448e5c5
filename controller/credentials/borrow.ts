/**
 * Lends a stored credential to one headless sandbox at a time. Whatever happens there, what the tool makes of the
 * credential is fetched: when it saves it, and before the sandbox goes, also when the controller stops.
 */

import { type CredentialId, PolydevError, type Sandbox } from '@polydev/protocol';
import type { Provider } from '@polydev/providers/provider';
import type { BaseLogger } from 'pino';
import { abortError } from '../abort.ts';
import type { Witness } from '../postmortem/witness.ts';
import { failureOf } from '../reason.ts';
import type { Sandboxes, SandboxHandle } from '../sandboxes/sandboxes.ts';
import { notOurs } from '../store/mover.ts';
import { encodeBundle, type SecretBundle } from './bundle.ts';
import type { CredentialLease, Leases } from './leases.ts';
import { createRedact, type Redact } from './redact.ts';
import type { StoredCredential, Vault } from './vault.ts';
import { startWriteBack, type WriteBack } from './write-back.ts';

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
  /** The sandbox that it was lent to before this controller started. */
  adopted?: SandboxHandle | null;
  /** Aborts when everything is to be left as it is, for the controller that starts next. */
  leave?: AbortSignal;
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
  /** Why the work was not done. */
  failure?: PolydevError | null;
}

/** Rejects with `unavailable` once the controller stops. */
export type Borrow = <T extends Verdict>(
  request: BorrowRequest,
  work: (borrowed: Borrowed) => Promise<T>,
) => Promise<T>;

export interface Lending {
  borrow: Borrow;
  /** Ends what is done with lent credentials, and waits until all are written back and their sandboxes gone. */
  stop(): Promise<void>;
}

/** Sandboxes that may die before one is lent to. */
const maxTries = 3;
/** For who never leaves. */
const stays = new AbortController().signal;

export function createLending(deps: {
  vault: Vault;
  leases: Leases;
  sandboxes: Sandboxes;
  witness: Pick<Witness, 'hide' | 'settle'>;
  providerOf: (id: Provider['id']) => Provider;
  log: Pick<BaseLogger, 'info' | 'warn'>;
}): Lending {
  const { vault, leases, sandboxes, witness, log } = deps;
  const stopping = new AbortController();
  const loans = new Set<Promise<unknown>>();

  async function lend<T extends Verdict>(
    request: BorrowRequest,
    lease: CredentialLease,
    work: (borrowed: Borrowed) => Promise<T>,
  ): Promise<T> {
    const { credentialId, owner, wait, evenExpired, onStarting, adopted } = request;
    const leave = request.leave ?? stays;
    const signal = AbortSignal.any([request.signal, lease.lost, stopping.signal, leave]);
    const { stored, bundle } = await vault.open(credentialId);
    const lentVersion = adopted?.lentVersion ?? stored.version;
    // With the version that it has, nothing that the tool renews takes the place of a sign-in that is newer.
    const credential = stored.connectedVersion > lentVersion ? { ...stored, version: lentVersion } : stored;
    if (credential.status !== 'active' && !evenExpired) {
      throw new PolydevError('credential_expired', 'The provider no longer accepts this credential.');
    }
    const provider = deps.providerOf(credential.provider);
    const lent = createRedact(bundle);
    let renewed: Redact = (text) => text;
    const redact: Redact = (text) => renewed(lent(text));
    const stop = AbortSignal.any([request.signal, lease.lost, stopping.signal]);
    const { userId } = credential;
    const purpose = { owner, userId, provider: provider.id, lentVersion };
    const wanted = { ...purpose, profile: 'headless', capture: false, wait, signal } as const;
    let starting: Promise<void> | undefined;
    const started = () => (starting ??= onStarting?.() ?? Promise.resolve());
    let sandbox = adopted;
    try {
      if (sandbox) witness.hide(sandbox.id, redact);
      // Who does not wait for long is told after one.
      for (let left = wait ? maxTries : 1; !sandbox; left -= 1) {
        sandbox = await sandboxes.acquire({ ...wanted, onStarting: started });
        witness.hide(sandbox.id, redact);
        if (!(await restored(owner, sandbox, bundle, left > 1 && !signal.aborted))) sandbox = null;
      }
      if (!adopted) await vault.touch(credentialId);
      const borrowed = { sandbox, credential, provider, redact, stop };
      const hide = (bundle: SecretBundle) => {
        renewed = createRedact(bundle);
      };
      const writeBack = startWriteBack({ vault, log, stopping: stopping.signal }, { ...borrowed, bundle, hide });
      const result = await workAndWriteBack(borrowed, writeBack, work, leave);
      await witness.settle(owner, sandbox.id, result.failure ?? null);
      return result;
    } catch (error) {
      // What is kept of one that another controller works on is not ours.
      if (!leave.aborted && (sandbox || error !== notOurs)) await witness.settle(owner, sandbox?.id, failureOf(error));
      throw error;
    } finally {
      if (leave.aborted) sandbox?.letGo();
      else await sandbox?.release();
    }
  }

  /** False for one that had died, and is released: nothing has been done with the credential, so another will do. */
  async function restored(
    owner: BorrowRequest['owner'],
    sandbox: SandboxHandle,
    bundle: SecretBundle,
    mayDie: boolean,
  ): Promise<boolean> {
    try {
      await sandbox.agent.restore(sandbox.seal(encodeBundle(bundle)));
      return true;
    } catch (error) {
      if (!mayDie || !isDead(sandbox, error)) throw error;
      log.warn({ err: error, sandbox: sandbox.id }, 'A sandbox died before its work began; another takes its place.');
      // What became of it is of no use to whoever has the next one.
      await witness.settle(owner, sandbox.id, null);
      await sandbox.release();
      return false;
    }
  }

  async function workAndWriteBack<T extends Verdict>(
    borrowed: Borrowed,
    writeBack: WriteBack,
    work: (borrowed: Borrowed) => Promise<T>,
    leave: AbortSignal,
  ): Promise<T> {
    const { sandbox } = borrowed;
    let verdict: Verdict = {};
    try {
      const result = await work(borrowed);
      verdict = result;
      return result;
    } catch (error) {
      // A dead sandbox does not answer either, but that it is dead says more.
      throw sandbox.gone.aborted ? abortError(sandbox.gone) : error;
    } finally {
      if (leave.aborted) await writeBack.letGo();
      else await settle(borrowed.credential, writeBack, verdict);
    }
  }

  /** What became of the credential goes into the vault. */
  async function settle(credential: StoredCredential, writeBack: WriteBack, verdict: Verdict): Promise<void> {
    const version = await writeBack.settle();
    const status = verdict.works === undefined ? credential.status : verdict.works ? 'active' : 'expired';
    if (version !== null && status !== 'unproven' && status !== credential.status) {
      await vault.setStatusIfVersion(credential.id, version, status);
    }
  }

  const borrow: Borrow = async (request, work) => {
    const { credentialId, wait, leave = stays } = request;
    const signal = AbortSignal.any([request.signal, stopping.signal, leave]);
    const lease = wait ? await leases.wait(credentialId, signal) : await leases.take(credentialId);
    try {
      return await lend(request, lease, work);
    } finally {
      // The tool goes on with the credential, so nobody else may have it.
      if (leave.aborted) lease.abandon();
      else await lease.release();
    }
  };

  return {
    borrow(request, work) {
      const loan = borrow(request, work);
      loans.add(loan);
      const forget = () => void loans.delete(loan);
      loan.then(forget, forget);
      return loan;
    },
    async stop() {
      stopping.abort(new PolydevError('unavailable', 'Polydev is being stopped.'));
      await Promise.allSettled(loans);
    },
  };
}

/** Or its agent, which has forgotten that it was claimed when it is back. */
function isDead({ gone }: SandboxHandle, error: unknown): boolean {
  return gone.aborted || (error instanceof PolydevError && /^(agent_unreachable|sandbox_failed)$/.test(error.code));
}
