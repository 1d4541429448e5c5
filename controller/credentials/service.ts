/** Credentials as the API knows them: never their secrets. */

import {
  type AddApiKey,
  type Credential,
  type CredentialId,
  PolydevError,
  type ProviderId,
  type User,
} from '@polydev/protocol';
import type { Provider } from '@polydev/providers/provider';
import { abortError } from '../abort.ts';
import { type Proof, prove } from '../runs/proof.ts';
import type { Sandboxes } from '../sandboxes/sandboxes.ts';
import type { CredentialService } from '../services.ts';
import type { Database } from '../store/database.ts';
import type { ListChanges } from '../store/list-changes.ts';
import { isUniqueViolation } from '../store/unique-violation.ts';
import type { Borrow } from './borrow.ts';
import { encodeBundle, type SecretBundle } from './bundle.ts';
import { cleanLabel } from './label.ts';
import { createRedact } from './redact.ts';
import { Secret } from './secret.ts';
import { labelTaken, type StoredCredential, type Vault } from './vault.ts';

export interface CredentialServiceDeps {
  db: Database;
  vault: Vault;
  borrow: Borrow;
  sandboxes: Sandboxes;
  providerOf(id: ProviderId): Provider;
  verify: 'run' | 'off';
  lists: Pick<ListChanges, 'tell'>;
  /** Aborts when the controller stops. */
  stopping: AbortSignal;
}

/** What belongs to a request nobody can break off but the end of this controller. */
const unstoppable = new AbortController().signal;

export function createCredentialService(deps: CredentialServiceDeps): CredentialService {
  const { db, vault, borrow, sandboxes, providerOf, lists, stopping } = deps;

  async function findFor(user: User, id: CredentialId): Promise<StoredCredential> {
    const stored = await vault.find(id);
    const visible = stored && stored.status !== 'unproven' && (stored.userId === user.id || user.role === 'owner');
    if (!visible) throw new PolydevError('not_found', 'There is no such credential.');
    return stored;
  }

  /** A key that is not stored for good yet, tried in a sandbox of its own. */
  async function proveKey({ id, userId, provider }: StoredCredential, bundle: SecretBundle): Promise<Proof> {
    const sandbox = await sandboxes.acquire({
      profile: 'headless',
      owner: id,
      userId,
      provider,
      capture: false,
      wait: false,
      signal: stopping,
    });
    try {
      const { agent, gone, refusal } = sandbox;
      await agent.restore(sandbox.seal(encodeBundle(bundle)));
      return await prove({
        agent,
        provider: providerOf(provider),
        kind: 'api_key',
        redact: createRedact(bundle),
        stop: stopping,
        gone,
        refusal,
      });
    } catch (error) {
      // Its sandbox is destroyed, too.
      throw stopping.aborted ? abortError(stopping) : error;
    } finally {
      await sandbox.release();
    }
  }

  async function promote(unproven: StoredCredential, bundle: SecretBundle): Promise<StoredCredential> {
    const attempt = () => db.transaction((tx) => vault.promote(tx, unproven, { bundle, account: {} }));
    return await attempt().catch((error) => {
      // Another took the label in the same moment: then this one replaces it.
      if (isUniqueViolation(error)) return attempt();
      throw error;
    });
  }

  async function addApiKey(user: User, request: AddApiKey, gone?: AbortSignal): Promise<Credential> {
    const { provider, apiKey, newAccount = false } = request;
    const label = cleanLabel(request.label);
    const place = { userId: user.id, provider, label };
    const present = await vault.findPlaced(place);
    // A key takes the place of a key. That it would end a sign-in is not plain to see, so it does not.
    const wouldEndSignIn = present?.kind === 'files' && present.status === 'active';
    if (present && (newAccount || wouldEndSignIn)) throw labelTaken(label);
    const bundle: SecretBundle = new Secret({ kind: 'api_key', provider, apiKey });
    const unproven = await vault.putUnproven({ ...place, bundle, account: {} });
    try {
      if (deps.verify === 'run') {
        const { accepted, failure } = await proveKey(unproven, bundle);
        if (!accepted && failure) {
          throw failure.code === 'provider_auth' ? new PolydevError('api_key_refused', failure.message) : failure;
        }
      }
      if (gone?.aborted) throw abortError(gone);
      const stored = await promote(unproven, bundle);
      lists.tell(user.id, 'credentials');
      return shownCredential(stored);
    } finally {
      await vault.removeUnproven(unproven.id);
    }
  }

  return {
    async list(user, { provider } = {}) {
      const all = (await vault.list(user.id)).map(shownCredential);
      return provider ? all.filter((credential) => credential.provider === provider) : all;
    },

    get: async (user, id) => shownCredential(await findFor(user, id)),

    async rename(user, id, label) {
      await findFor(user, id);
      return shownCredential(await vault.rename(id, cleanLabel(label)));
    },

    addApiKey,

    async remove(user, id) {
      await findFor(user, id);
      await vault.remove(id);
    },

    async test(user, id) {
      const stored = await findFor(user, id);
      const request = {
        credentialId: stored.id,
        owner: stored.id,
        wait: false,
        evenExpired: true,
        signal: unstoppable,
      };
      const { failure, works } = await borrow(request, async ({ sandbox, credential, provider, redact, stop }) => {
        const { agent, gone, refusal } = sandbox;
        const proof = await prove({ agent, provider, kind: credential.kind, redact, stop, gone, refusal });
        if (proof.accepted) return { works: true, failure: null };
        return { ...(proof.failure?.code === 'provider_auth' && { works: false }), failure: proof.failure };
      });
      // Neither good nor bad: the credential stays as it is, and the caller hears what happened.
      if (works === undefined && failure) throw failure;
      return shownCredential(await findFor(user, id));
    },
  };
}

function shownCredential({ userId: _, connectedVersion: __, status, ...credential }: StoredCredential): Credential {
  if (status === 'unproven') throw new PolydevError('not_found', 'There is no such credential.');
  return { ...credential, status };
}
