/** What the sandbox captured during one sign-in: sealed into the vault at once, unproven, newest over older. */

import { type AgentEvent, newId } from '@polydev/protocol';
import type { Provider } from '@polydev/providers/provider';
import { type Captured, judgeCaptured } from '../credentials/bundle.ts';
import { createRedact, type Redact } from '../credentials/redact.ts';
import type { StoredCredential, Vault } from '../credentials/vault.ts';
import type { SandboxHandle } from '../sandboxes/sandboxes.ts';
import { stillOurs } from '../store/mover.ts';
import type { SessionMachine, SessionRow } from './machine.ts';

export interface Capture extends Captured {
  stored: StoredCredential;
}

export interface Captures {
  /** What an earlier controller stored of this sign-in. */
  recall(): Promise<void>;
  /** Resolves when the vault holds it. */
  take(event: Extract<AgentEvent, { type: 'credential' }>): Promise<void>;
  readonly newest: Capture | null;
  /** The newest that is not `known`, as soon as there is one. */
  next(known: Capture | null): Promise<Capture>;
  /** Leaves nothing unproven behind. */
  discard(): Promise<void>;
}

export function createCaptures(deps: {
  vault: Vault;
  machine: SessionMachine;
  session: SessionRow;
  provider: Provider;
  sandbox: SandboxHandle;
  /** From now on nothing that is shown may hold these. */
  hide(redact: Redact): void;
}): Captures {
  const { vault, machine, session, provider, sandbox, hide } = deps;
  let newest: Capture | null = null;
  let announce = () => {};

  async function store({ bundle, account }: Captured): Promise<StoredCredential> {
    if (newest) return await vault.replaceIfVersion(newest.stored.id, newest.stored.version, { bundle, account });
    const { userId, label } = session;
    const id = newId('credential');
    // First where it will stand, so that after a crash nobody has to guess whose it is.
    stillOurs(await machine.change(session.id, { captureId: id }));
    return await vault.putUnproven({ id, userId, provider: provider.id, label, bundle, account });
  }

  return {
    async recall() {
      const stored = session.captureId && (await vault.find(session.captureId));
      if (!stored) return;
      const { bundle } = await vault.open(stored.id);
      hide(createRedact(bundle));
      newest = { bundle, account: stored.account, stored };
    },
    async take({ sealed }) {
      const captured = judgeCaptured(sandbox.open(sealed), provider);
      hide(createRedact(captured.bundle));
      newest = { ...captured, stored: await store(captured) };
      announce();
    },
    get newest() {
      return newest;
    },
    async next(known) {
      while (!newest || newest === known) {
        await new Promise<void>((resolve) => {
          announce = resolve;
        });
      }
      return newest;
    },
    async discard() {
      if (newest) await vault.removeUnproven(newest.stored.id);
    },
  };
}
