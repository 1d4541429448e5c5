/**
 * Lends a stored credential to one headless sandbox at a time. Whatever happens there, what the tool makes of the
 * credential is fetched: when it saves it, and before the sandbox goes, also when the controller stops.
 */

import { type CredentialId, PolydevError, type Sandbox } from '@polydev/protocol';
import type { Provider } from '@polydev/providers/provider';
import type { BaseLogger } from 'pino';
import { abortError, untilAborted } from '../abort.ts';
import type { Witness } from '../postmortem/witness.ts';
import { failureOf } from '../reason.ts';
import { handOver } from '../recovery/hand-over.ts';
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
  /** The sandbox is gone, and nobody else has the credential yet. Not called where all is left as it is. Must not reject. */
  onOver?: (failure: PolydevError | null) => Promise<void>;
  /** The sandbox that it was lent to before this controller started. */
  adopted?: SandboxHandle | null;
  /** Aborts, with `handOver`, when everything is to be left as it is, for the controller that starts next. */
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

/** The credential as it stands in the vault. */
type Opened = Pick<Borrowed, 'credential' | 'provider'> & { bundle: SecretBundle };

/** What the work found out about the credential. */
export interface Verdict {
  /** Undefined: nothing new. */
  works?: boolean;
  /** Why the work was not done. */
  failure?: PolydevError | null;
}

/**
 * Rejects with `unavailable` once the controller stops, and with `handOver` when all is left to the controller that starts
 * next. Whatever happens, an adopted sandbox is released or left.
 */
export type Borrow = <T extends Verdict>(
  request: BorrowRequest,
  work: (borrowed: Borrowed) => Promise<T>,
) => Promise<T>;

export interface Lending {
  borrow: Borrow;
  /** Fetches what was lent before this controller started, for something that nobody goes on with. Never rejects. */
  takeBack(id: CredentialId, sandbox: SandboxHandle): Promise<void>;
  /** Aborts when lending stops. */
  stopping: AbortSignal;
  /** What is being taken back is left to the next start, and so is what the vault cannot take from now on. */
  leave(): void;
  /** From now on nobody has long to give anything back. */
  hurry(): void;
  /** Ends what is done with lent credentials, and waits until all are written back or left, and else their sandboxes gone. */
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
  const hurried = new AbortController();
  const leaving = new AbortController();
  const loans = new Set<Promise<unknown>>();

  async function lend<T extends Verdict>(
    request: BorrowRequest,
    lease: CredentialLease,
    work: (borrowed: Borrowed) => Promise<T>,
  ): Promise<T> {
    const { owner, adopted = null, leave = stays } = request;
    const stop = AbortSignal.any([request.signal, lease.lost, stopping.signal]);
    let sandbox = adopted;
    let hidden = false;
    const onTaken = (taken: SandboxHandle | null) => {
      sandbox = taken;
      hidden = taken !== null;
    };
    let ended: { result: T; error?: undefined } | { error: unknown };
    try {
      const signal = AbortSignal.any([stop, leave]);
      const lent = adopted ? await asLent(request, adopted) : await lendAnew(request, signal, onTaken);
      let redact = createRedact(lent.bundle);
      const hide = (bundle: SecretBundle) => {
        const [before, renewed] = [redact, createRedact(bundle)];
        redact = (text) => renewed(before(text));
      };
      const borrowed = { ...lent, stop, redact: (text: string) => redact(text) };
      witness.hide(lent.sandbox.id, borrowed.redact);
      hidden = true;
      const writeBack = startWriteBack({ vault, log, stopping: hurried.signal }, { ...borrowed, hide });
      ended = { result: await workAndWriteBack(borrowed, writeBack, work, leave) };
    } catch (error) {
      ended = { error };
    }
    const { error } = ended;
    // What is kept of one that another controller works on is not ours; nor is anything whose secret is not known.
    const isOurs = sandbox !== null || error !== notOurs;
    if (error !== handOver && !leave.aborted && isOurs)
      await witness.settle(owner, sandbox?.id, failureIn(ended, sandbox === null || hidden));
    // Decided once: what is destroyed is over, and what is left goes on.
    if (error === handOver || leave.aborted) {
      sandbox?.letGo();
      throw handOver;
    }
    await sandbox?.release();
    if ('result' in ended) return ended.result;
    throw error;
  }

  async function open({ credentialId, evenExpired }: BorrowRequest): Promise<Opened> {
    const { stored: credential, bundle } = await vault.open(credentialId);
    if (credential.status !== 'active' && !evenExpired)
      throw new PolydevError('credential_expired', 'The provider no longer accepts this credential.');
    return { credential, bundle, provider: deps.providerOf(credential.provider) };
  }

  async function asLent(request: BorrowRequest, sandbox: SandboxHandle): Promise<Opened & { sandbox: SandboxHandle }> {
    const { credential, ...opened } = await open(request).catch((error) => {
      // The database is away: it is not known whether this has something that the vault has not.
      throw leaving.signal.aborted && !(error instanceof PolydevError) ? handOver : error;
    });
    const { lentVersion } = sandbox;
    // With the version that it has, nothing that the tool renews takes the place of a sign-in that is newer.
    const isOlder = lentVersion !== null && credential.connectedVersion > lentVersion;
    return { ...opened, sandbox, credential: isOlder ? { ...credential, version: lentVersion } : credential };
  }

  async function lendAnew(
    request: BorrowRequest,
    signal: AbortSignal,
    /** Called with one whose secret is hidden from then on, and with null when it is released. */
    onTaken: (sandbox: SandboxHandle | null) => void,
  ): Promise<Opened & { sandbox: SandboxHandle }> {
    const { credentialId, owner, wait } = request;
    let starting: Promise<void> | undefined;
    const onStarting = () => (starting ??= request.onStarting?.() ?? Promise.resolve());
    // Who does not wait for long is told after one.
    for (let left = wait ? maxTries : 1; ; left -= 1) {
      const { credential, provider } = await open(request);
      const { userId, version: lentVersion } = credential;
      const purpose = { owner, userId, provider: provider.id, lentVersion };
      const sandbox = await sandboxes.acquire({
        ...{ ...purpose, profile: 'headless', capture: false, wait, signal, onStarting },
      });
      // The wait may have been long.
      const opened = await open(request).catch(async (error) => {
        await useless(owner, sandbox);
        throw error;
      });
      witness.hide(sandbox.id, createRedact(opened.bundle));
      onTaken(sandbox);
      if (opened.credential.version !== lentVersion) await useless(owner, sandbox);
      else if (await restored(owner, sandbox, opened.bundle, left > 1 && !signal.aborted)) {
        await vault.touch(credentialId);
        return { ...opened, sandbox };
      }
      onTaken(null);
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
      await useless(owner, sandbox);
      return false;
    }
  }

  /** One whose lease nobody waits for any more: what its tool has made of the credential is fetched all the same. */
  async function recall(request: BorrowRequest, sandbox: SandboxHandle): Promise<void> {
    const fetch = async () => {
      const lent = await asLent({ ...request, evenExpired: true }, sandbox);
      const hide = (bundle: SecretBundle) => witness.hide(sandbox.id, createRedact(bundle));
      hide(lent.bundle);
      const { gone, agent } = sandbox;
      await untilAborted(agent.stopExecs(), AbortSignal.any([gone, hurried.signal])).catch(() => {});
      // Another controller may have it by now; then what the vault holds is newer, and stays.
      const writeBack = startWriteBack({ vault, log, stopping: hurried.signal }, { ...lent, hide });
      await writeBack.settle();
      if (mustStay(writeBack)) throw handOver;
    };
    try {
      await fetch();
    } catch (error) {
      log.warn({ err: error, sandbox: sandbox.id }, 'What was lent was not given back.');
      if (error === handOver) return sandbox.letGo();
    }
    await useless(request.owner, sandbox);
  }

  /** The vault did not take what the tool made of the credential, its sandbox alone has it, and another start will come. */
  const mustStay = (writeBack: WriteBack) => writeBack.isOwed() && leaving.signal.aborted;

  /** What became of it is of no use to whoever has the next one. */
  async function useless(owner: BorrowRequest['owner'], sandbox: SandboxHandle): Promise<void> {
    await witness.settle(owner, sandbox.id, null);
    await sandbox.release();
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

  /** What became of the credential goes into the vault; rejects with `handOver` where that is left to the next start. */
  async function settle(credential: StoredCredential, writeBack: WriteBack, verdict: Verdict): Promise<void> {
    const version = await writeBack.settle();
    if (mustStay(writeBack)) throw handOver;
    const status = verdict.works === undefined ? credential.status : verdict.works ? 'active' : 'expired';
    if (version !== null && status !== 'unproven' && status !== credential.status) {
      await vault.setStatusIfVersion(credential.id, version, status);
    }
  }

  async function borrowOne<T extends Verdict>(
    request: BorrowRequest,
    work: (borrowed: Borrowed) => Promise<T>,
  ): Promise<T> {
    const { credentialId, wait, leave = stays, adopted } = request;
    const signal = AbortSignal.any([request.signal, stopping.signal, leave]);
    const givenUp = async () => {
      if (leave.aborted) adopted?.letGo();
      else if (adopted) await recall(request, adopted);
    };
    // Who was lent a sandbox before stands in line for as long as it takes.
    const lease = wait ? await leases.wait(credentialId, signal, givenUp) : await leases.take(credentialId);
    let isLeft = false;
    try {
      const result = await lend(request, lease, work);
      await request.onOver?.(result.failure ?? null);
      return result;
    } catch (error) {
      isLeft = error === handOver;
      if (!isLeft) await request.onOver?.(failureOf(error));
      throw error;
    } finally {
      // The tool goes on with the credential, so nobody else may have it.
      if (isLeft) lease.abandon();
      else await lease.release();
    }
  }

  const borrow: Borrow = (request, work) => {
    const loan = borrowOne(request, work);
    loans.add(loan);
    const forget = () => void loans.delete(loan);
    loan.then(forget, forget);
    return loan;
  };

  return {
    borrow,
    async takeBack(id, adopted) {
      const request = { credentialId: id, owner: id, wait: true, evenExpired: true, signal: stays, adopted };
      // Nothing is waited for before: it stands first in the line. What the tool renews as it ends is still fetched.
      const end = async () => {
        await untilAborted(adopted.agent.stopExecs(), leaving.signal).catch(() => {});
        return {};
      };
      await borrow({ ...request, leave: leaving.signal }, end).catch((error) =>
        log.warn({ err: error, credential: id }, 'What was lent before a restart was not given back.'),
      );
    },
    stopping: stopping.signal,
    leave: () => leaving.abort(handOver),
    hurry: () => hurried.abort(),
    async stop() {
      hurried.abort();
      stopping.abort(new PolydevError('unavailable', 'Polydev is being stopped.'));
      await Promise.allSettled(loans);
    },
  };
}

/** Or its agent, which has forgotten that it was claimed when it is back. */
function isDead({ gone }: SandboxHandle, error: unknown): boolean {
  return gone.aborted || (error instanceof PolydevError && /^(agent_unreachable|sandbox_failed)$/.test(error.code));
}

/** Of one whose secret is not known nothing can be kept, so its failure is nobody's. */
function failureIn(ended: { result: Verdict } | { error: unknown }, isSafe: boolean): PolydevError | null {
  if ('result' in ended) return ended.result.failure ?? null;
  return isSafe ? failureOf(ended.error) : null;
}
